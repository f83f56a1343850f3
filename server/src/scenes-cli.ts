/**
 * `npm run scenes -- COMMAND`: what an operator does with stored scenes and with what they know of people (OPERATIONS.md).
 *
 * [SC1] Exit code 0: all of it was done; 1: some of it was not, and a sentence says what; 2: the command was not understood.
 * [SC2] A running server has its SQLite file to itself: commands go to the file of a stopped server, or with --server to the running one.
 *       A database is open to both.
 */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { isIdentifier } from "@copresence/shared/base";
import { moderationKeeper } from "./adapters/moderation/person-keeper.ts";
import { openCases } from "./adapters/moderation/worker-cases.ts";
import { type Erasure, NO_ROOMS, PersonDesk, personJson, scenesKeeper } from "./adapters/person/person-desk.ts";
import { type AdminStore, isPostgresUrl, openPostgresStore, openSqliteStore, StoreOpenError } from "./adapters/store/index.ts";
import { decodeSceneFile, encodeSceneFile } from "./adapters/store/scene-file.ts";
import { casesBeside, redisOf, storeOf } from "./config.ts";
import { checkScene, salvage } from "./adapters/store/sqlite-repair.ts";
import { redisKeeper } from "./pipeline/redis/person-keeper.ts";

const USAGE = `npm run scenes -- COMMAND [--store STORE | --server URL]
  export SCENE [--out FILE]          the scene with its history, authors and permissions as a file; the newest of it
  import SCENE FILE [--replace]      such a file into the store, under any name; a scene that is not empty only with --replace
  export-person USER [--out FILE]    all that is kept about a person, as JSON
  erase-person USER [--yes]          takes a person out of everything that is kept; without --yes it says what that would be
  check FILE SCENE                   says whether a scene of the store's FILE is sound, or what is wrong with it
  salvage FILE SCENE                 opens a quarantined scene again with what is readable of it; make a copy of FILE, FILE-wal and FILE-acked first
STORE is a file or postgres://...; by default what COPRESENCE_STORE says, or .copresence/scenes.sqlite. With --server a running server does it
(not import); it asks for COPRESENCE_OPERATOR_KEY, which the server must have too. Redis is where COPRESENCE_REDIS says.`;

class Failure extends Error {
  readonly code: number;
  constructor(sentence: string, code = 1) {
    super(sentence);
    this.code = code;
  }
}

const { values, positionals } = parse();
const [command = "", first = "", second = ""] = positionals;

async function run(): Promise<void> {
  switch (command) {
    case "export":
      return exportScene(named("SCENE", first));
    case "import":
      return importScene(named("SCENE", first), present("FILE", second));
    case "export-person":
      return exportPerson(named("USER", first));
    case "erase-person":
      return erasePerson(named("USER", first));
    case "check": {
      const sentence = checkScene(present("FILE", first), named("SCENE", second));
      console.log(sentence);
      process.exitCode = sentence.startsWith("The scene is sound") ? 0 : 1;
      return;
    }
    case "salvage": {
      const salvaged = salvage(present("FILE", first), named("SCENE", second));
      if (!salvaged.ok) throw new Failure(salvaged.error);
      const { kept, lost } = salvaged.value;
      return console.log(`The scene is open again with ${kept} records; ${lost} acknowledged records could not be kept.`);
    }
    default:
      throw new Failure(USAGE, 2);
  }
}

async function exportScene(scene: string): Promise<void> {
  if (values.server !== undefined) return put(new Uint8Array(await (await ask("export-scene", { scene })).arrayBuffer()));
  const content = await withStore((store) => store.exportScene(scene));
  if (!content.ok) throw new Failure(content.error.sentence);
  put(encodeSceneFile({ scene, exportedMs: Date.now(), content: content.value }));
}

async function importScene(scene: string, file: string): Promise<void> {
  if (values.server !== undefined) throw new Failure("Scenes are imported into a store, not through a server: name it with --store.", 2);
  const read = decodeSceneFile(readFileSync(file));
  if (!read.ok) throw new Failure(read.error);
  const { content, scene: from } = read.value;
  const imported = await withStore((store) => store.importScene(scene, content, { replace: values.replace }), true);
  if (!imported.ok)
    throw new Failure(
      imported.error.code === "occupied" ? "The scene is not empty; with --replace what it holds is gone for good." : imported.error.sentence,
    );
  console.log(`"${scene}" is now what "${from}" was: ${content.records.length} records of history, ${content.owners.length} authors' devices.`);
}

async function exportPerson(user: string): Promise<void> {
  put(Buffer.from(await personOf(user)));
}

async function personOf(user: string): Promise<string> {
  if (values.server !== undefined) return (await ask("export-person", { user })).text();
  const exported = await withDesk((desk) => desk.exportPerson(user, Date.now()));
  if (!exported.ok) throw new Failure(exported.error);
  return personJson(exported.value);
}

async function erasePerson(user: string): Promise<void> {
  if (!values.yes) {
    const { scenes } = JSON.parse(await personOf(user)) as { scenes: readonly { scene: string; key: string; edits: readonly unknown[] }[] };
    for (const { scene, key, edits } of scenes) console.log(`${scene === "" ? key : scene}: ${edits.length} edits`);
    throw new Failure(
      `Nothing was erased. In these ${scenes.length} scenes they would be; what is erased cannot be brought back. Say --yes to do it.`,
    );
  }
  report(values.server !== undefined ? ((await (await ask("erase-person", { user })).json()) as Erasure) : await eraseHere(user));
}

async function eraseHere(user: string): Promise<Erasure> {
  const erased = await withDesk((desk) => desk.erasePerson(user));
  if (!erased.ok) throw new Failure(erased.error);
  return erased.value;
}

const MEANING: Readonly<Record<string, string>> = {
  "scenes.scenes": "scenes knew them",
  "scenes.records": "edits in the history are nobody's now",
  "scenes.clients": "of their devices are nobody's now",
  "scenes.rules": "permission rules about them are gone",
  "moderation.rows": "rows of the moderators' cases, measures and log were about them and are gone or name nobody",
  "redis.texts": "texts of theirs that waited in Redis, or were given up, are gone",
  "redis.questions": "questions that nobody waits for are gone from Redis",
  "scenes.mentions": "stored edits, snapshots and names have their id in what was written there, which stays: shared objects are for people to edit",
};

function report({ done, left }: Erasure): void {
  for (const [what, count] of Object.entries(done)) console.log(`${count} ${MEANING[what] ?? what}`);
  for (const sentence of left) console.error(`LEFT: ${sentence}`);
  if (left.length > 0) throw new Failure("They are not erased completely; see to what is left, and erase again.");
  console.log("They are erased. Backups made before this still have them.");
}

/** All that keeps something about people: the store, the moderators' file where there is one, and Redis where it is said. */
async function withDesk<T>(work: (desk: PersonDesk) => Promise<T>): Promise<T> {
  const file = process.env["COPRESENCE_CASES"] ?? casesBeside(storeOf(place()));
  const redis = redisOf(process.env);
  if (!redis.ok) throw new Failure(redis.error, 2);
  const cases = file === undefined || !existsSync(file) ? undefined : openCases(file);
  try {
    const moderation = cases === undefined ? [] : [moderationKeeper(cases)];
    const streams = redis.value === undefined ? [] : [redisKeeper(redis.value)];
    return await withStore((store) => work(new PersonDesk(NO_ROOMS, [scenesKeeper(store, NO_ROOMS), ...moderation, ...streams])));
  } finally {
    await cases?.close();
  }
}

function place(): string {
  return values.store ?? process.env["COPRESENCE_STORE"] ?? ".copresence/scenes.sqlite";
}

/** `create`: a store that is not there is made; everything else would find nothing in it. */
async function withStore<T>(work: (store: AdminStore) => Promise<T>, create = false): Promise<T> {
  const at = place();
  const onNotice = (sentence: string): void => console.error(sentence);
  if (!isPostgresUrl(at) && !create && !existsSync(at)) throw new Failure(`There is no file ${at}.`, 2);
  const store = isPostgresUrl(at) ? await openPostgresStore({ url: at, onNotice }) : await openSqliteStore({ file: at, onNotice });
  try {
    return await work(store);
  } finally {
    await store.close();
  }
}

async function ask(what: string, body: Readonly<Record<string, unknown>>): Promise<Response> {
  const key = process.env["COPRESENCE_OPERATOR_KEY"] ?? "";
  if (key === "") throw new Failure("Set COPRESENCE_OPERATOR_KEY to the key the server was started with.", 2);
  const headers = { authorization: `Bearer ${key}`, "content-type": "application/json" };
  const url = new URL(`/operator/${what}`, values.server);
  const response = await fetch(url, { method: "POST", headers, body: JSON.stringify(body) }).catch((error: unknown) => {
    throw new Failure(`The server at ${url.origin} does not answer (${String((error as Error).cause ?? error)}).`);
  });
  if (response.ok) return response;
  const text = await response.text();
  if (response.status === 404 || response.status === 405)
    throw new Failure(sentenceIn(text) ?? "That server has no COPRESENCE_OPERATOR_KEY, or is an older one.");
  throw new Failure(sentenceIn(text) ?? `The server answered ${response.status}.`);
}

function sentenceIn(text: string): string | undefined {
  try {
    return (JSON.parse(text) as { readonly error?: string }).error;
  } catch {
    return undefined;
  }
}

/** To the file of --out, which must not be there yet, readable by its owner alone; otherwise to standard output. */
function put(bytes: Uint8Array): void {
  if (values.out === undefined) return void process.stdout.write(bytes);
  try {
    writeFileSync(values.out, bytes, { flag: "wx", mode: 0o600 });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new Failure(code === "EEXIST" ? `${values.out} is there already.` : `${values.out} cannot be written (${code ?? String(error)}).`);
  }
  console.log(`${bytes.length} bytes are in ${values.out}.`);
}

function lockedSentence(error: StoreOpenError): string {
  return `${error.message} Or, with a running server, ask it: --server http://HOST:PORT, with COPRESENCE_OPERATOR_KEY set here and there.`;
}

function named(what: string, text: string): string {
  if (isIdentifier(text)) return text;
  throw new Failure(text === "" ? USAGE : `${what} must match ^[A-Za-z0-9_-]{1,64}$.`, 2);
}
function present(what: string, file: string): string {
  if (existsSync(file)) return file;
  throw new Failure(file === "" ? USAGE : `${what}: there is no file ${file}.`, 2);
}

function parse() {
  try {
    return parseArgs({
      allowPositionals: true,
      options: {
        out: { type: "string" },
        store: { type: "string" },
        server: { type: "string" },
        replace: { type: "boolean", default: false },
        yes: { type: "boolean", default: false },
      },
    });
  } catch (error) {
    console.error(`${String((error as Error).message)}\n${USAGE}`);
    process.exit(2);
  }
}

try {
  await run();
} catch (error) {
  const sentence = error instanceof StoreOpenError && error.code === "locked" ? lockedSentence(error) : String((error as Error).message);
  console.error(sentence);
  process.exitCode = error instanceof Failure ? error.code : 1;
}
