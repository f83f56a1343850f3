/** The server for whoever starts it with plain `node`: says which Node it needs before an older one trips over the sources. */
import "../require-node.mjs";

await import("./src/cli.ts");
