/**
 * The reference y-websocket server with the persistence its README shows (y-leveldb's pattern: every update stored as it comes, not fsynced;
 * all of them folded into one when the document is opened). Argument: the database's file. Prints its port.
 */
import { createServer } from "node:http";
import { registerHooks } from "node:module";
import { DatabaseSync } from "node:sqlite";
import { WebSocketServer } from "ws";
import * as Y from "yjs";

// As published, 0.1.5 brings protocols for Yjs 14 to documents of Yjs 13, and fails at the first update: it gets the protocols of its own Yjs.
const OURS: Readonly<Record<string, string>> = {
  yjs: import.meta.resolve("yjs"),
  "@y/protocols/sync": import.meta.resolve("y-protocols/sync"),
  "@y/protocols/awareness": import.meta.resolve("y-protocols/awareness"),
};
registerHooks({
  resolve: (specifier, context, next) => {
    const url = OURS[specifier];
    return url === undefined ? next(specifier, context) : { url, shortCircuit: true };
  },
});
const { setPersistence, setupWSConnection } = await import("@y/websocket-server/utils");

const db = new DatabaseSync(process.argv[2] ?? ":memory:");
db.exec(`PRAGMA journal_mode=WAL; PRAGMA synchronous=OFF;
  CREATE TABLE IF NOT EXISTS updates (clock INTEGER PRIMARY KEY, name TEXT NOT NULL, bytes BLOB NOT NULL)`);
const insert = db.prepare("INSERT INTO updates (name, bytes) VALUES (?, ?)");
const select = db.prepare("SELECT bytes FROM updates WHERE name = ? ORDER BY clock");

setPersistence({
  provider: undefined,
  bindState: (name, shared) => {
    const doc = shared as unknown as Y.Doc;
    const rows = select.all(name) as { bytes: Uint8Array }[];
    doc.transact(() => {
      for (const { bytes } of rows) Y.applyUpdate(doc, bytes);
    });
    if (rows.length > 0) {
      db.exec("BEGIN");
      db.prepare("DELETE FROM updates WHERE name = ?").run(name);
      insert.run(name, Y.encodeStateAsUpdate(doc));
      db.exec("COMMIT");
    }
    doc.on("update", (update: Uint8Array) => void insert.run(name, update));
  },
  writeState: async () => undefined,
});

const http = createServer();
new WebSocketServer({ server: http }).on("connection", setupWSConnection);
http.listen(0, "127.0.0.1", () => {
  const address = http.address();
  console.log(typeof address === "object" && address !== null ? address.port : "");
});
