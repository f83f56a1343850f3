/** The child process of same-bytes.system.test.ts, for a transport that needs a newer C library: prints its port, ends on SIGTERM. */
import { openScripted } from "./scripted-wire.ts";

const { listener, port } = await openScripted("uws");
process.on("SIGTERM", () => void listener.close().then(() => process.exit(0)));
process.stdout.write(`${port}\n`);
