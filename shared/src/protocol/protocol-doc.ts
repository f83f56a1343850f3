/**
 * PROTOCOL.md's generated parts, from the tables the code itself runs on. Pure: text in, text out; `tools/protocol-doc.ts` does the files.
 *
 * [PD1] Whatever a peer can see and the registry knows is printed from the registry: messages, fields, sizes, limits, close codes.
 * [PD2] Prose is never touched: only what lies between `<!-- generated:NAME -->` and `<!-- /generated -->` is replaced.
 * [PD3] A marker nobody generates, a section without its marker and an unclosed marker are errors, not omissions.
 */
import { err, ok, type Result } from "../base/index.ts";
import { CLOSE, type CloseName, syncCloseCode } from "./close-codes.ts";
import { ENVELOPE_BYTES, maxBodyBytes } from "./codec.ts";
import type { Kind } from "./kinds.ts";
import { LIMIT_TABLE } from "./limits.ts";
import { type Direction, type MessageName, MESSAGES, type MessageSpec } from "./registry.ts";
import { PROTOCOL_OLDEST, PROTOCOL_VERSION } from "./versions.ts";

export type DocError = { readonly code: "unknown-section" | "missing-section" | "unclosed-section"; readonly sentence: string };
export type Sections = Readonly<Record<string, string>>;

/** Every generated section by name. `poseFormat` is the text of `src/pose/FORMAT.md`, included under a heading of level 2. */
export function protocolSections(poseFormat: string | undefined): Sections {
  return {
    versions: `Protocol version **${PROTOCOL_VERSION}**; the oldest client version a server accepts is **${PROTOCOL_OLDEST}**.`,
    "messages-up": messageTable("up"),
    "messages-down": messageTable("down"),
    "fields-up": fieldTables("up"),
    "fields-down": fieldTables("down"),
    limits: limitTable(),
    "close-codes": closeTable(),
    "pose-format": poseFormat === undefined ? "The layout is described in `shared/src/pose/FORMAT.md`." : nest(poseFormat.trim()),
  };
}

const OPEN = /^<!-- generated:([a-z-]+) -->$/;
const CLOSING = "<!-- /generated -->";

/** `document` with each generated section replaced by its current text [PD2]. */
export function fillSections(document: string, sections: Sections): Result<string, DocError> {
  const out: string[] = [];
  const filled = new Set<string>();
  let open: string | undefined;
  for (const line of document.split("\n")) {
    const name = OPEN.exec(line)?.[1];
    if (open !== undefined) {
      if (name !== undefined) break;
      if (line !== CLOSING) continue;
      out.push(sections[open] ?? "", "", line);
      open = undefined;
      continue;
    }
    out.push(line);
    if (name === undefined) continue;
    if (sections[name] === undefined) return err({ code: "unknown-section", sentence: `Nothing generates the section "${name}".` });
    out.push("");
    open = name;
    filled.add(name);
  }
  if (open !== undefined) return err({ code: "unclosed-section", sentence: `The section "${open}" has no "${CLOSING}" line.` });
  const missing = Object.keys(sections).filter((name) => !filled.has(name));
  if (missing.length > 0) return err({ code: "missing-section", sentence: `The document has no section ${missing.join(", ")}.` });
  return ok(out.join("\n"));
}

const namesOf = (direction: Direction): MessageName[] =>
  (Object.keys(MESSAGES) as MessageName[]).filter((name) => MESSAGES[name].direction === direction).sort((a, b) => MESSAGES[a].id - MESSAGES[b].id);

const row = (...cells: readonly (string | number)[]): string => `| ${cells.join(" | ")} |`;
const table = (head: readonly string[], rows: readonly string[]): string => [row(...head), row(...head.map(() => "---")), ...rows].join("\n");
const grouped = (value: number): string => value.toString().replaceAll(/\B(?=(\d{3})+$)/g, " ");

function messageTable(direction: Direction): string {
  const rows = namesOf(direction).map((name) => {
    const spec: MessageSpec = MESSAGES[name];
    return row(spec.id, `\`${name}\``, spec.delivery, spec.since, grouped(maxBodyBytes(name) + ENVELOPE_BYTES), spec.about);
  });
  return table(["id", "message", "delivery", "since", "max bytes", "what it says"], rows);
}

function fieldTables(direction: Direction): string {
  return namesOf(direction)
    .map((name) => {
      const spec: MessageSpec = MESSAGES[name];
      const rows = Object.entries(spec.fields).map(([field, kind]) =>
        row(`\`${field}\``, kind.name, kind.maxBytes === minBytes(kind) ? kind.maxBytes : range(kind)),
      );
      return `**\`${name}\`** (${spec.id}, ${spec.delivery})\n\n${table(["field", "kind", "bytes"], rows)}`;
    })
    .join("\n\n");
}

const range = (kind: Kind<unknown>): string => `${minBytes(kind)} to ${grouped(kind.maxBytes)}`;

/** Smallest encoding of a kind in bytes. */
function minBytes(kind: Kind<unknown>): number {
  const { shape } = kind;
  switch (shape.form) {
    case "rest":
      return 0;
    case "text":
    case "list":
    case "maybe":
      return 1;
    case "ident":
      return 2;
    case "tuple":
      return shape.count * minBytes(shape.of);
    case "record":
      return Object.values(shape.fields).reduce((sum, field) => sum + minBytes(field), 0);
    default:
      return kind.maxBytes;
  }
}

function limitTable(): string {
  return table(
    ["limit", "value", "unit", "why"],
    Object.entries(LIMIT_TABLE).map(([name, { max, unit, why }]) => row(`\`${name}\``, grouped(max), unit, why)),
  );
}

function closeTable(): string {
  return table(
    ["code", "on `/sync`", "name", "retryable", "sentence"],
    (Object.keys(CLOSE) as CloseName[]).map((name) => {
      const { code, retryable, sentence } = CLOSE[name];
      return row(code, syncCloseCode(name), `\`${name}\``, retryable ? "yes" : "no", sentence);
    }),
  );
}

/** Without the file's own title, and with its highest headings at level 3, so that it nests under the section that includes it. */
function nest(markdown: string): string {
  const isHeading = fenceAware((line) => /^#+ /.test(line));
  const lines = markdown.split("\n");
  const body = /^#+ /.test(lines[0] ?? "") ? lines.slice(1) : lines;
  const headings = body.map(isHeading);
  const top = Math.min(...body.filter((_, i) => headings[i]).map((line) => line.indexOf(" ")));
  return body
    .map((line, i) => (headings[i] === true ? `${"#".repeat(line.indexOf(" ") - top + 3)}${line.slice(line.indexOf(" "))}` : line))
    .join("\n")
    .trim();
}

/** `test` for lines outside of code fences, called line by line in order. */
function fenceAware(test: (line: string) => boolean): (line: string) => boolean {
  let fenced = false;
  return (line) => {
    if (line.startsWith("```")) fenced = !fenced;
    return !fenced && test(line);
  };
}
