/**
 * What a server is configured with, and how that is read from environment variables. Pure: the environment is handed in.
 *
 * [CF1] Everything wrong is said at once, one sentence each, before anything is opened.
 */
import { err, isIdentifier, ok, type Result } from "@copresence/shared/base";
import { LIMITS } from "@copresence/shared/protocol";
import type { Scene } from "@copresence/shared/scene";
import type { JWK } from "jose";
import { LOCAL_ORIGINS, originPolicy } from "./adapters/auth/origins.ts";
import type { TransportChoice } from "./adapters/colyseus/transports/choose.ts";
import { DEFAULT_RETENTION, type Retention } from "./adapters/moderation/case-types.ts";
import type { SafetySettings } from "./adapters/moderation/policy.ts";
import { isPostgresUrl, type SceneStore } from "./adapters/store/index.ts";
import type { InitialObject } from "./core/index.ts";
import type { PipelineChoice } from "./pipeline/index.ts";
import type { RedisOptions } from "./pipeline/redis/redis-carrier.ts";
import type { Pipeline } from "./pipeline/types.ts";

/**
 * Which spaces exist: an identifier, or a prefix followed by `*`, the scene they hold, and what an empty one starts with. The first match
 * counts.
 */
export type SpaceRule = {
  readonly spaces: string;
  readonly scene: Scene;
  readonly initial?: readonly InitialObject[] | undefined;
  /** Thresholds of automatic moderation; default: DEFAULT_SAFETY. */
  readonly safety?: SafetySettings | undefined;
  /** How sure the text model has to be to hide a text here, by head (`toxic`, `insult`, `hate`, ...; `lexicon: 1` silences the word list), 0..1; goes before `moderation.thresholds`. */
  readonly thresholds?: TextThresholds | undefined;
};

/** Name of a head of the text model -> probability from which a text is hidden, 1 for never. */
export type TextThresholds = Readonly<Record<string, number>>;

export type TicketConfig = {
  readonly issuer: string;
  readonly audience: string;
  /** Ed25519 public keys as JWK; none with development tickets means only those are accepted. */
  readonly publicKeys: readonly JWK[];
  /** Lets anybody who can reach the server enter: development only. */
  readonly development: boolean;
};

export type ServerConfig = {
  readonly host: string;
  /** 0 takes a free port. */
  readonly port: number;
  readonly transport: TransportChoice;
  /** Identifier; tickets name it. */
  readonly region: string;
  readonly build: string;
  readonly spaces: readonly SpaceRule[];
  readonly origins: readonly string[];
  /** Believe the last X-Forwarded-For hop. Only behind a proxy that writes it. */
  readonly trustProxy: boolean;
  readonly tickets: TicketConfig;
  readonly store:
    | { readonly kind: "sqlite"; readonly file: string }
    | { readonly kind: "postgres"; readonly url: string }
    | { readonly kind: "memory" }
    | { readonly kind: "own"; readonly store: SceneStore };
  /** How long who changed what is kept, for history and rollback. */
  readonly historyDays: number;
  readonly pipeline: PipelineChoice | { readonly kind: "own"; readonly pipeline: Pipeline };
  /** Folder with the demo build, or undefined. */
  readonly staticFolder: string | undefined;
  /** 10..90. */
  readonly tickRateHz: number;
  readonly roomLingerMs: number;
  readonly stopMs: number;
  /** `thresholds`: of every space; heads not named keep the model's own. */
  readonly moderation: { readonly failOpen: boolean; readonly holdMs: number; readonly thresholds?: TextThresholds | undefined };
  /** Personal space of who has not chosen their own, m; 0: none. */
  readonly boundaryM: number;
  /** The moderators' file, or undefined: cases live as long as the process. */
  readonly casesFile: string | undefined;
  readonly retention: Retention;
  readonly pendingPerAddress: number;
  /** Who shows it may ask /debug/explain; undefined: nobody may. */
  readonly operatorKey: string | undefined;
  readonly logLevel: "silent" | "fatal" | "error" | "warn" | "info" | "debug";
};

export const DEFAULT_PORT = 2567;
/** Arm's length and a bit: INFERENCE.md. */
export const DEFAULT_BOUNDARY_M = 1.2;
/** Nobody waits longer for a process to end; timers count no further than 2^31 ms. */
const MAX_STOP_MS = 600_000;
const DAY_MS = 24 * 60 * 60_000;
const MAX_HISTORY_DAYS = 3650;
const OPERATOR_KEY_LEAST = 24;
/** 32 bytes in base64url. */
const ED25519_KEY = /^[A-Za-z0-9_-]{43}$/;

/** A development server for one scene: loopback, memory, development tickets. Override what matters. */
export function developmentConfig(spaces: readonly SpaceRule[], overrides: Partial<ServerConfig> = {}): ServerConfig {
  return {
    host: "127.0.0.1",
    port: DEFAULT_PORT,
    transport: "auto",
    region: "local",
    build: "dev",
    spaces,
    origins: LOCAL_ORIGINS,
    trustProxy: false,
    tickets: { issuer: "copresence-dev", audience: "copresence", publicKeys: [], development: true },
    store: { kind: "memory" },
    historyDays: 30,
    pipeline: { kind: "process" },
    staticFolder: undefined,
    tickRateHz: 60,
    roomLingerMs: 30_000,
    stopMs: 10_000,
    moderation: { failOpen: true, holdMs: 200 },
    // Tests and benches put everybody into one spot; a server that is configured by its environment has DEFAULT_BOUNDARY_M.
    boundaryM: 0,
    casesFile: undefined,
    retention: DEFAULT_RETENTION,
    pendingPerAddress: LIMITS.pendingPerAddress,
    operatorKey: undefined,
    logLevel: "info",
    ...overrides,
  };
}

/** The rule of a space: the first that matches. */
export function ruleLookup(rules: readonly SpaceRule[]): (space: string) => SpaceRule | undefined {
  return (space) => rules.find((rule) => (rule.spaces.endsWith("*") ? space.startsWith(rule.spaces.slice(0, -1)) : space === rule.spaces));
}

/** Everything that is wrong with a configuration, one sentence each; empty when it may be used. */
export function configFaults(config: ServerConfig): readonly string[] {
  const faults: string[] = [];
  const check = (right: boolean, sentence: string): void => void (right || faults.push(sentence));
  check(isIdentifier(config.region), "The region must match ^[A-Za-z0-9_-]{1,64}$.");
  check(config.build.length > 0 && config.build.length <= 64, "The build must have 1 to 64 characters.");
  check(config.host !== "", "The host is empty, which would mean every address of this machine; write 0.0.0.0 if that is meant.");
  check(Number.isInteger(config.port) && config.port >= 0 && config.port <= 65_535, "The port must be a number from 0 to 65535.");
  check(
    Number.isInteger(config.tickRateHz) && config.tickRateHz >= 10 && config.tickRateHz <= 90,
    "The tick rate must be a whole number from 10 to 90 Hz.",
  );
  check(config.historyDays >= 0 && config.historyDays <= MAX_HISTORY_DAYS, `The history must be kept for 0 to ${MAX_HISTORY_DAYS} days.`);
  check(config.stopMs >= 0 && config.stopMs <= MAX_STOP_MS, `The deadline of a stop must be from 0 to ${MAX_STOP_MS} ms.`);
  check(
    config.boundaryM >= 0 && config.boundaryM <= LIMITS.boundaryMm / 1000,
    `The personal space must be from 0 to ${LIMITS.boundaryMm / 1000} m; 0 means none.`,
  );
  check(
    config.retention.casesMs > 0 && config.retention.auditMs >= config.retention.casesMs,
    "Cases are kept for more than 0 days, the audit log at least as long.",
  );
  check(config.spaces.length > 0, "No space is configured; name at least one.");
  for (const { spaces, thresholds = {} } of [{ spaces: "*", thresholds: config.moderation.thresholds }, ...config.spaces]) {
    for (const [head, value] of Object.entries(thresholds))
      check(isIdentifier(head) && value >= 0 && value <= 1, `The text threshold ${head} of ${spaces} must be a number from 0 to 1.`);
    check(isIdentifier(spaces.replace(/\*$/, "") || "x"), `"${spaces}" is not a space name or a prefix followed by *.`);
  }
  check(
    config.operatorKey === undefined || config.operatorKey.length >= OPERATOR_KEY_LEAST,
    `The operator's key must have ${OPERATOR_KEY_LEAST} characters or more; nobody should guess it.`,
  );
  const origins = originPolicy(config.origins);
  if (!origins.ok) faults.push(origins.error);
  config.tickets.publicKeys.forEach((key: unknown, index) => {
    const fault = keyFault(key);
    if (fault !== undefined)
      faults.push(`Ticket key ${index + 1} ${fault}; give the public Ed25519 key as JWK: {"kty":"OKP","crv":"Ed25519","x":"..."}.`);
  });
  check(
    config.tickets.development || config.tickets.publicKeys.length > 0,
    "No ticket key: set COPRESENCE_TICKET_KEYS, or COPRESENCE_DEV_TICKETS=1 for development.",
  );
  return faults;
}

/** What is wrong with a ticket key, without quoting it. */
function keyFault(key: unknown): string | undefined {
  if (typeof key !== "object" || key === null) return "is not a JWK";
  const { kty, crv, x, d } = key as Partial<Record<"kty" | "crv" | "x" | "d", unknown>>;
  if (d !== undefined) return "is the private key, which belongs to the issuer alone";
  return kty === "OKP" && crv === "Ed25519" && typeof x === "string" && ED25519_KEY.test(x) ? undefined : "is not an Ed25519 key";
}

/** Whether only this machine can reach an address. */
export const isLoopback = (host: string): boolean => host === "localhost" || host === "::1" || /^127\.\d+\.\d+\.\d+$/.test(host);

/** Environment variables a server understands, for the documentation and for refusing misspelt ones. */
export const ENVIRONMENT = {
  COPRESENCE_HOST: "address to listen on; 127.0.0.1 by default, because development tickets let anybody in",
  COPRESENCE_PORT: "port, 2567 by default",
  COPRESENCE_TRANSPORT: "auto, uws or ws",
  COPRESENCE_REGION: "this server's region, which tickets must name",
  COPRESENCE_BUILD: "this server's build",
  COPRESENCE_SCENE: "module whose default export is the scene (defineScene); its `initialObjects`, if any, fill an empty space",
  COPRESENCE_SPACES: "comma-separated space names, or prefixes followed by *",
  COPRESENCE_ORIGINS: "comma-separated web origins that may connect; pages on this machine by default",
  COPRESENCE_TRUST_PROXY: "1 behind a proxy that writes X-Forwarded-For",
  COPRESENCE_DEV_TICKETS: "1 lets anybody who can reach the server enter",
  COPRESENCE_TICKET_KEYS: "JSON array of Ed25519 public keys (JWK) of the ticket issuer",
  COPRESENCE_TICKET_ISSUER: "the tickets' iss",
  COPRESENCE_TICKET_AUDIENCE: "the tickets' aud",
  COPRESENCE_STORE: "file of the embedded store, postgres://user:password@host/database for servers on several machines, or memory",
  COPRESENCE_HISTORY_DAYS: "how long who changed what is kept, for history and rollback; 30 by default, 0 keeps as little as can be",
  COPRESENCE_PIPELINE: "where search and moderation run: process (default), thread, inline, or redis for workers of their own",
  COPRESENCE_REDIS: "address of Redis for COPRESENCE_PIPELINE=redis and npm run worker, e.g. redis://127.0.0.1:6379",
  COPRESENCE_REDIS_NAMESPACE: "first part of every key in Redis, copresence by default",
  COPRESENCE_WORKERS: "npm run worker: how many worker processes, 1 by default",
  COPRESENCE_WORKER_PORT: "npm run worker: port of its /metrics and /readyz on COPRESENCE_HOST; none by default",
  COPRESENCE_TEXT_THRESHOLDS:
    "from which probability the text model hides a text, by head: toxic=0.6,insult=0.7; 1 is never, others keep the model's own",
  COPRESENCE_STATIC: "folder with the demo build",
  COPRESENCE_TICK_RATE: "ticks a second, 10 to 90",
  COPRESENCE_BOUNDARY_M: "personal space between people who are no friends, in metres; 1.2 by default, 0 for none",
  COPRESENCE_CASES: "file of the moderators' cases; beside the embedded store by default, otherwise cases end with the process",
  COPRESENCE_CASE_DAYS: "days a moderators' case and its evidence is kept, 30 by default",
  COPRESENCE_AUDIT_DAYS: "days the log of moderators' decisions is kept, 180 by default",
  COPRESENCE_STOP_MS: "deadline of a graceful stop",
  COPRESENCE_OPERATOR_KEY: "lets who shows it ask /debug/explain, and /operator/ (npm run scenes -- ... --server) for scenes and people's data",
  COPRESENCE_LOG: "silent, fatal, error, warn, info or debug",
} as const;

type Environment = Readonly<Record<string, string | undefined>>;
const LEVELS = ["silent", "fatal", "error", "warn", "info", "debug"] as const;

/** `scene` and `initial` were loaded from COPRESENCE_SCENE by the caller. */
export function configFromEnvironment(env: Environment, scene: Scene, initial?: readonly InitialObject[]): Result<ServerConfig, readonly string[]> {
  const faults = strangers(env);
  const number = (name: keyof typeof ENVIRONMENT, otherwise: number): number => {
    // An empty string would be 0: a free port where none was asked for.
    const value = env[name] === undefined ? otherwise : Number(env[name]?.trim() || Number.NaN);
    if (Number.isFinite(value)) return value;
    faults.push(`${name} must be a number.`);
    return otherwise;
  };
  const choice = <T extends string>(name: keyof typeof ENVIRONMENT, values: readonly T[], otherwise: T): T => {
    const value = values.find((candidate) => candidate === (env[name] ?? otherwise));
    if (value === undefined) faults.push(`${name} must be one of ${values.join(", ")}.`);
    return value ?? otherwise;
  };
  const list = (name: keyof typeof ENVIRONMENT, otherwise: readonly string[]): readonly string[] =>
    env[name]
      ?.split(",")
      .map((entry) => entry.trim())
      .filter(Boolean) ?? otherwise;
  const flag = (name: keyof typeof ENVIRONMENT): boolean => choice(name, ["0", "1"], "0") === "1";
  const store = env["COPRESENCE_STORE"] ?? ".copresence/scenes.sqlite";
  if (store === "") faults.push("COPRESENCE_STORE is empty; name a file, a postgres:// address, or memory.");
  const rules = list("COPRESENCE_SPACES", ["demo"]).map((spaces) => ({ spaces, scene, initial }));
  const defaults = developmentConfig(rules);
  const config: ServerConfig = {
    ...defaults,
    host: env["COPRESENCE_HOST"] ?? defaults.host,
    port: number("COPRESENCE_PORT", DEFAULT_PORT),
    transport: choice("COPRESENCE_TRANSPORT", ["auto", "uws", "ws"], "auto"),
    region: env["COPRESENCE_REGION"] ?? defaults.region,
    build: env["COPRESENCE_BUILD"] ?? defaults.build,
    origins: list("COPRESENCE_ORIGINS", LOCAL_ORIGINS),
    trustProxy: flag("COPRESENCE_TRUST_PROXY"),
    tickets: {
      issuer: env["COPRESENCE_TICKET_ISSUER"] ?? defaults.tickets.issuer,
      audience: env["COPRESENCE_TICKET_AUDIENCE"] ?? defaults.tickets.audience,
      publicKeys: readKeys(env["COPRESENCE_TICKET_KEYS"], faults),
      development: flag("COPRESENCE_DEV_TICKETS"),
    },
    store: storeOf(store),
    historyDays: number("COPRESENCE_HISTORY_DAYS", defaults.historyDays),
    pipeline: readPipeline(env, faults),
    moderation: { ...defaults.moderation, thresholds: readThresholds(list("COPRESENCE_TEXT_THRESHOLDS", [])) },
    staticFolder: env["COPRESENCE_STATIC"],
    tickRateHz: number("COPRESENCE_TICK_RATE", defaults.tickRateHz),
    stopMs: number("COPRESENCE_STOP_MS", defaults.stopMs),
    boundaryM: number("COPRESENCE_BOUNDARY_M", DEFAULT_BOUNDARY_M),
    casesFile: env["COPRESENCE_CASES"] ?? casesBeside(storeOf(store)),
    retention: {
      casesMs: number("COPRESENCE_CASE_DAYS", DEFAULT_RETENTION.casesMs / DAY_MS) * DAY_MS,
      auditMs: number("COPRESENCE_AUDIT_DAYS", DEFAULT_RETENTION.auditMs / DAY_MS) * DAY_MS,
    },
    operatorKey: env["COPRESENCE_OPERATOR_KEY"],
    logLevel: choice("COPRESENCE_LOG", LEVELS, "info"),
  };
  faults.push(...configFaults(config));
  return faults.length === 0 ? ok(config) : err(faults);
}

/** Where the moderators' cases are unless COPRESENCE_CASES says otherwise. */
export const casesBeside = (store: ServerConfig["store"]): string | undefined => (store.kind === "sqlite" ? `${store.file}.cases` : undefined);

export function storeOf(store: string): ServerConfig["store"] {
  if (store === "memory") return { kind: "memory" };
  return isPostgresUrl(store) ? { kind: "postgres", url: store } : { kind: "sqlite", file: store };
}

/** `head=0.5` each; what is no number becomes NaN, which `configFaults` names. */
function readThresholds(entries: readonly string[]): TextThresholds {
  return Object.fromEntries(
    entries.map((entry) => {
      const [head = "", value = ""] = entry.split("=").map((part) => part.trim());
      return [head, value === "" ? Number.NaN : Number(value)];
    }),
  );
}

const PIPELINES = ["process", "thread", "inline"] as const;

function readPipeline(env: Environment, faults: string[]): PipelineChoice {
  const wanted = env["COPRESENCE_PIPELINE"] ?? "process";
  const kind = PIPELINES.find((candidate) => candidate === wanted);
  if (kind !== undefined) return { kind };
  if (wanted !== "redis") faults.push(`COPRESENCE_PIPELINE must be one of ${PIPELINES.join(", ")}, redis.`);
  else return { kind: "redis", ...readRedis(env, faults) };
  return { kind: "process" };
}

/** For commands that run without a server: where Redis is, if it is said. */
export function redisOf(env: Environment): Result<RedisOptions | undefined, string> {
  if (env["COPRESENCE_REDIS"] === undefined) return ok(undefined);
  const faults: string[] = [];
  const redis = readRedis(env, faults);
  return faults.length === 0 ? ok(redis) : err(faults.join("\n"));
}

function readRedis(env: Environment, faults: string[]): RedisOptions {
  const url = env["COPRESENCE_REDIS"] ?? "";
  const namespace = env["COPRESENCE_REDIS_NAMESPACE"] ?? "copresence";
  if (!isRedisUrl(url))
    faults.push("COPRESENCE_REDIS must be the address of Redis: redis://[user:password@]host[:port][/database], or rediss:// with TLS.");
  if (!isIdentifier(namespace)) faults.push("COPRESENCE_REDIS_NAMESPACE must match ^[A-Za-z0-9_-]{1,64}$.");
  return { url, namespace };
}

const isRedisUrl = (url: string): boolean => URL.canParse(url) && ["redis:", "rediss:"].includes(new URL(url).protocol);

/** What `npm run worker` is configured with. It reads the same variables as the server, so that both can share one file of settings. */
export type WorkerConfig = {
  readonly redis: RedisOptions;
  readonly workers: number;
  readonly host: string;
  /** Undefined: no HTTP. 0 takes a free port. */
  readonly port: number | undefined;
  readonly region: string;
  readonly build: string;
  readonly logLevel: ServerConfig["logLevel"];
};
const MAX_WORKERS = 16;

export function workerConfigFromEnvironment(env: Environment): Result<WorkerConfig, readonly string[]> {
  const faults = strangers(env);
  const whole = (name: keyof typeof ENVIRONMENT, otherwise: string, least: number, most: number): number => {
    const value = Number(env[name]?.trim() ?? otherwise);
    if (env[name]?.trim() === "" || !Number.isInteger(value) || value < least || value > most)
      faults.push(`${name} must be a whole number from ${least} to ${most}.`);
    return value;
  };
  const logLevel = LEVELS.find((level) => level === (env["COPRESENCE_LOG"] ?? "info"));
  if (logLevel === undefined) faults.push(`COPRESENCE_LOG must be one of ${LEVELS.join(", ")}.`);
  const config: WorkerConfig = {
    redis: readRedis(env, faults),
    workers: whole("COPRESENCE_WORKERS", "1", 1, MAX_WORKERS),
    host: env["COPRESENCE_HOST"] ?? "127.0.0.1",
    port: env["COPRESENCE_WORKER_PORT"] === undefined ? undefined : whole("COPRESENCE_WORKER_PORT", "0", 0, 65_535),
    region: env["COPRESENCE_REGION"] ?? "local",
    build: env["COPRESENCE_BUILD"] ?? "dev",
    logLevel: logLevel ?? "info",
  };
  return faults.length === 0 ? ok(config) : err(faults);
}

/** One sentence for every variable that looks like a setting and is none. */
const strangers = (env: Environment): string[] =>
  Object.keys(env)
    .filter((name) => name.startsWith("COPRESENCE_") && !Object.hasOwn(ENVIRONMENT, name))
    .map((name) => `${name} is not a setting of this server; see README.md.`);

function readKeys(json: string | undefined, faults: string[]): readonly JWK[] {
  if (json === undefined) return [];
  try {
    const keys: unknown = JSON.parse(json);
    if (Array.isArray(keys)) return keys as JWK[];
  } catch {
    // Falls through to the same sentence as JSON of another shape.
  }
  faults.push("COPRESENCE_TICKET_KEYS must be a JSON array of public keys (JWK).");
  return [];
}
