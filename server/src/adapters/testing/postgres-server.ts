/**
 * A PostgreSQL server of one's own for tests and benches: a fresh cluster in a temporary folder, on a unix socket, without a network port.
 * PostgreSQL refuses to run as root, so under root it runs as the user `postgres`, which Debian's package makes.
 */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { chown, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

export type PostgresServer = {
  /** For COPRESENCE_STORE. */
  readonly url: string;
  /** A name for one test's database; made empty. */
  readonly database: (name: string) => Promise<string>;
  /** Runs SQL in a database of this server and returns what psql prints. */
  readonly sql: (database: string, text: string) => string;
  /** All of the schema `copresence` as text: pg_dump with columns as they are, bytes unescaped where they are text. */
  readonly dump: (database: string) => string;
  /** Stops at once, as a crash does, or after tidying up; `start` brings it back. */
  readonly stop: (how: "immediate" | "fast") => Promise<void>;
  readonly start: () => Promise<void>;
  /** Stops and removes everything. */
  readonly remove: () => Promise<void>;
};

const DEBIAN = "/usr/lib/postgresql";
const READY = "ready to accept connections";

/** Where Debian keeps initdb and postgres, newest version first; undefined when the package is not there. */
function programs(): string | undefined {
  const versions = existsSync(DEBIAN) ? readdirSync(DEBIAN).sort((a, b) => Number(b) - Number(a)) : [];
  return versions.map((version) => join(DEBIAN, version, "bin")).find((folder) => existsSync(join(folder, "initdb")));
}

export async function startPostgres(): Promise<PostgresServer> {
  const bin = programs();
  if (bin === undefined) throw new Error("PostgreSQL is not installed: apt-get install postgresql, or run npm test, which does.");
  const folder = await mkdtemp(join(tmpdir(), "copresence-pg-"));
  const owner = process.getuid?.() === 0 ? postgresUser() : undefined;
  if (owner !== undefined) await chown(folder, owner.uid, owner.gid);
  const data = join(folder, "data");
  const as = owner === undefined ? {} : { uid: owner.uid, gid: owner.gid };
  const environment = { PATH: process.env["PATH"], LC_ALL: "C.UTF-8", HOME: folder };
  execFileSync(join(bin, "initdb"), ["-D", data, "-U", "copresence", "-A", "trust", "--no-sync"], {
    ...as,
    cwd: folder,
    env: environment,
    stdio: "ignore",
  });
  let child: ChildProcess | undefined;

  const start = async (): Promise<void> => {
    const args = ["-D", data, "-k", folder, "-c", "listen_addresses=", "-c", "max_connections=60", "-c", "shared_buffers=16MB"];
    const started = spawn(join(bin, "postgres"), args, { ...as, cwd: folder, env: environment, stdio: ["ignore", "ignore", "pipe"] });
    child = started;
    let printed = "";
    await new Promise<void>((ready, failed) => {
      started.stderr.setEncoding("utf8").on("data", (chunk: string) => {
        printed += chunk;
        if (printed.includes(READY)) ready();
      });
      started.once("exit", () => failed(new Error(`PostgreSQL did not start:\n${printed}`)));
    });
    printed = "";
  };
  const stop = async (how: "immediate" | "fast"): Promise<void> => {
    const running = child;
    child = undefined;
    if (running === undefined || running.exitCode !== null) return;
    const ended = new Promise((done) => running.once("exit", done));
    running.kill(how === "immediate" ? "SIGQUIT" : "SIGINT");
    await ended;
  };
  const sql = (database: string, text: string): string =>
    execFileSync(join(bin, "psql"), ["-h", folder, "-U", "copresence", "-d", database, "-X", "-q", "-t", "-A", "-c", text], {
      env: environment,
      encoding: "utf8",
    });
  const dump = (database: string): string => {
    const text = execFileSync(join(bin, "pg_dump"), ["-h", folder, "-U", "copresence", "-d", database, "--schema=copresence"], {
      env: environment,
      encoding: "utf8",
      maxBuffer: 1 << 28,
    });
    // Columns of bytes are dumped as hexadecimal digits; a name in them must be found too.
    return text.replace(/\\\\x([0-9a-f]+)/g, (_all, digits: string) => Buffer.from(digits, "hex").toString("latin1"));
  };
  const url = (database: string): string => `postgres://copresence@/${database}?host=${encodeURIComponent(folder)}`;

  await start();
  return {
    url: url("postgres"),
    database: async (name) => {
      sql("postgres", `CREATE DATABASE "${name}"`);
      return url(name);
    },
    sql,
    dump,
    stop,
    start,
    remove: async () => {
      await stop("fast");
      await rm(folder, { recursive: true, force: true });
    },
  };
}

function postgresUser(): { readonly uid: number; readonly gid: number } {
  const ask = (flag: string): number => Number(execFileSync("id", [flag, "postgres"], { encoding: "utf8" }));
  return { uid: ask("-u"), gid: ask("-g") };
}
