/**
 * `@hocuspocus/server` with its SQLite extension's own SQL on Node's SQLite: the extension itself needs better-sqlite3, which has to be compiled.
 * Everything else is the default, its debounce of 2 s included. Argument: the database's file. Prints its port.
 */
import { DatabaseSync } from "node:sqlite";
import { Database } from "@hocuspocus/extension-database";
import { Server } from "@hocuspocus/server";

const db = new DatabaseSync(process.argv[2] ?? ":memory:");
// The statements of @hocuspocus/extension-sqlite 4.7.
db.exec(`CREATE TABLE IF NOT EXISTS "documents" ("name" varchar(255) NOT NULL, "data" blob NOT NULL, UNIQUE(name))`);
const select = db.prepare(`SELECT data FROM "documents" WHERE name = $name ORDER BY rowid DESC`);
const upsert = db.prepare(`INSERT INTO "documents" ("name", "data") VALUES ($name, $data) ON CONFLICT(name) DO UPDATE SET data = $data`);

const server = new Server({
  quiet: true,
  address: "127.0.0.1",
  port: 0,
  extensions: [
    new Database({
      fetch: async ({ documentName }) => (select.get({ $name: documentName }) as { data: Uint8Array } | undefined)?.data ?? null,
      store: async ({ documentName, state }) => void upsert.run({ $name: documentName, $data: state }),
    }),
  ],
});
await server.listen();
console.log(server.address.port);
