/**
 * A scene as a file: `npm run scenes -- export|import`. Lines of JSON, UTF-8, each ended by a line feed:
 *
 *   {"format":"copresence-scene","version":1,"scene":NAME,"exportedMs":N}
 *   {"base":BASE64}                                   the document before the first record, a Yjs update; left out when it was empty
 *   {"owner":USER,"client":N}                         who writes under a Yjs clientID; "" is the room itself
 *   {"note":KEY,"bytes":BASE64}                       records beside the document: permissions
 *   {"record":BASE64,"user":USER,"client":N,"clock":N,"atMs":N}     one edit, a Yjs update, oldest first
 *   {"lines":N,"sha256":HEX}                          how many lines there are before this one, and their hash, line feeds included
 *
 * [SF1] What was changed, cut or put together from two files is refused, and so is a newer version: with a sentence.
 */
import { createHash } from "node:crypto";
import { err, ok, type Result } from "@copresence/shared/base";
import type { ContentRecord, SceneContent } from "./store-admin.ts";

const FORMAT = "copresence-scene";
const VERSION = 1;
const LF = 10;

export type SceneFile = { readonly scene: string; readonly exportedMs: number; readonly content: SceneContent };
type Line = Readonly<Record<string, unknown>>;

export function encodeSceneFile({ scene, exportedMs, content }: SceneFile): Uint8Array {
  const lines: Line[] = [{ format: FORMAT, version: VERSION, scene, exportedMs }];
  if (content.base !== undefined) lines.push({ base: base64(content.base) });
  for (const { client, user } of content.owners) lines.push({ owner: user, client });
  for (const [note, bytes] of content.notes) lines.push({ note, bytes: base64(bytes) });
  for (const { bytes, user, client, clock, atMs } of content.records) lines.push({ record: base64(bytes), user, client, clock, atMs });
  const body = Buffer.concat(lines.map((line) => Buffer.from(`${JSON.stringify(line)}\n`)));
  return Buffer.concat([body, Buffer.from(`${JSON.stringify({ lines: lines.length, sha256: hash(body) })}\n`)]);
}

export function decodeSceneFile(file: Uint8Array): Result<SceneFile, string> {
  const bytes = Buffer.from(file.buffer, file.byteOffset, file.length);
  const first = parse(bytes.subarray(0, Math.max(0, bytes.indexOf(LF))));
  if (first?.["format"] !== FORMAT) return err("This is no scene that was exported, or its beginning is damaged.");
  const { version, scene, exportedMs } = first;
  if (version !== VERSION)
    return err(`The file has version ${String(version)} and this program reads version ${VERSION}; use the program that wrote it, or a newer one.`);
  const end = bytes.lastIndexOf(LF, bytes.length - 2) + 1;
  const last = bytes.at(-1) === LF ? parse(bytes.subarray(end)) : undefined;
  if (last?.["sha256"] === undefined) return err("The file is cut off: its last line is missing.");
  const body = bytes.subarray(0, end);
  if (last["sha256"] !== hash(body)) return err("The file is damaged: its contents are not those that were exported.");
  const lines = body.toString().split("\n").slice(1, -1).map(parseText);
  if (lines.length + 1 !== last["lines"] || typeof scene !== "string")
    return err("The file is damaged: it does not say what its last line promises.");
  const content = contentOf(lines);
  return content === undefined
    ? err("The file is damaged: one of its lines has no meaning.")
    : ok({ scene, exportedMs: Number(exportedMs), content });
}

function contentOf(lines: readonly (Line | undefined)[]): SceneContent | undefined {
  let base: Uint8Array | undefined;
  const owners: { client: number; user: string }[] = [];
  const notes = new Map<string, Uint8Array>();
  const records: ContentRecord[] = [];
  for (const line of lines) {
    if (line === undefined) return undefined;
    const { client, user, clock, atMs } = line;
    if (typeof line["base"] === "string") base = bytesOf(line["base"]);
    else if (typeof line["owner"] === "string" && isCount(client)) owners.push({ client, user: line["owner"] });
    else if (typeof line["note"] === "string" && typeof line["bytes"] === "string") notes.set(line["note"], bytesOf(line["bytes"]));
    else if (typeof line["record"] === "string" && typeof user === "string" && isCount(client) && isCount(clock) && isCount(atMs))
      records.push({ user, client, clock, atMs, bytes: bytesOf(line["record"]) });
    else return undefined;
  }
  return { base, owners, notes, records };
}

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;
const base64 = (bytes: Uint8Array): string => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("base64");
const bytesOf = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, "base64"));
const hash = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");
const parse = (bytes: Buffer): Line | undefined => parseText(bytes.toString());

function parseText(text: string): Line | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? (value as Line) : undefined;
  } catch {
    return undefined;
  }
}
