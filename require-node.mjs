// Loaded with `node --import` before anything else: plain JavaScript, so that an old Node can still read the sentence.
// Exit code 3 is "misconfigured", as the server's own (server/src/main.ts).
// The sources are TypeScript run as they are; only Node 24 strips their types and has the node:sqlite this server stores with.
import { enableCompileCache } from "node:module";

const major = Number(process.versions.node.split(".")[0]);
if (major !== 24) {
  console.error(
    `copresence runs on Node 24, and this is Node ${process.versions.node}. ` +
      "Use the npm scripts (npm start, npm test): after npm ci they run on the Node 24 that the repository installs for itself.",
  );
  process.exit(3);
}
// What was stripped and compiled once is read the next time: a server that was killed is back in half the time. Kept with the installed
// packages, so that nobody else can write to it; where that folder cannot be written there is no cache, and that is all.
enableCompileCache(new URL("node_modules/.cache/compiled", import.meta.url).pathname);
