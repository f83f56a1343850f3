/**
 * Starts the server, or says which Node it needs. Plain JavaScript, because an older Node cannot read the rest of this repository.
 */
const NODE_MAJOR = 24;
const running = process.versions.node;

if (Number(running.split(".")[0]) === NODE_MAJOR) await import("./src/cli.ts");
else {
  process.stderr.write(
    `copresence runs on Node ${NODE_MAJOR}, not on ${running}. Start it with npm start after npm ci, which brings the right one.\n`,
  );
  process.exitCode = 3;
}
