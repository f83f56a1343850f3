/**
 * Composition root: puts the adapters around the core and starts them. Importing this file does nothing.
 *
 * [MA1] One server per process at a time: Colyseus's matchmaker is a module-wide singleton.
 * [MA2] A start that fails closes what it had opened and throws a `StartError`, whose message is a sentence for the operator.
 * [MA3] A stop refuses joins, writes, closes sessions retryably, then the listener, the pipeline and the store, within `stopMs`.
 */
import { mkdirSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { flushCompileCache } from "node:module";
import { matchMaker, LocalDriver, LocalPresence } from "@colyseus/core";
import { setLogger } from "@colyseus/core/Logger";
import { PROTOCOL_VERSION } from "@copresence/shared/protocol";
import { type CryptoKey, importJWK } from "jose";
import { AddressGate } from "./adapters/auth/address-gate.ts";
import { DevTicketIssuer } from "./adapters/auth/dev-tickets.ts";
import { type OriginPolicy, originPolicy } from "./adapters/auth/origins.ts";
import { TicketVerifier } from "./adapters/auth/tickets.ts";
import { allocateYoung } from "./adapters/collector.ts";
import { SpaceDoorman } from "./adapters/colyseus/doorman.ts";
import { Entrance } from "./adapters/colyseus/entrance.ts";
import { quietColyseus } from "./adapters/colyseus/quiet.ts";
import { RoomHost } from "./adapters/colyseus/room-host.ts";
import { ROOM_NAME, SpaceRoom } from "./adapters/colyseus/space-room.ts";
import { openListener, TransportUnavailable } from "./adapters/colyseus/transports/choose.ts";
import { type Listener, ListenFailure } from "./adapters/colyseus/transports/listener.ts";
import { httpApp } from "./adapters/http/app.ts";
import type { Explains } from "./adapters/http/explain.ts";
import { ModerationApi } from "./adapters/http/moderation.ts";
import { StaticFiles, StaticFolderError } from "./adapters/http/static-files.ts";
import { type Logger, openLog } from "./adapters/log.ts";
import { Lull } from "./adapters/lull.ts";
import type { CaseStore } from "./adapters/moderation/case-types.ts";
import { openCases } from "./adapters/moderation/worker-cases.ts";
import { loadBehaviourModel } from "./adapters/moderation/load-behaviour-model.ts";
import { ModerationDesk } from "./adapters/moderation/moderation-desk.ts";
import { moderationKeeper } from "./adapters/moderation/person-keeper.ts";
import { DEFAULT_SAFETY } from "./adapters/moderation/policy.ts";
import { OperatorApi } from "./adapters/http/operator.ts";
import { PersonDesk, scenesKeeper } from "./adapters/person/person-desk.ts";
import { redisKeeper } from "./pipeline/redis/person-keeper.ts";
import { Metrics } from "./adapters/metrics/metrics.ts";
import {
  memoryStore,
  openPostgresStore,
  openSqliteStore,
  RETENTION,
  type Retention,
  type SceneStore,
  StoreOpenError,
} from "./adapters/store/index.ts";
import { configFaults, isLoopback, ruleLookup, type ServerConfig, type TicketConfig } from "./config.ts";
import { createPipeline } from "./pipeline/index.ts";
import type { Pipeline } from "./pipeline/types.ts";

export const VERSION = "0.1.0";

export type RunningServer = {
  /** `http://host:port` of the listener. */
  readonly url: string;
  readonly port: number;
  readonly transport: "ws" | "uws";
  readonly metrics: Metrics;
  readonly log: Logger;
  /** Resolves true if everything ended in time; idempotent. */
  stop(): Promise<boolean>;
};

/** Fatal at start-up; the message says what to do. `code` is the process's exit code. */
export class StartError extends Error {
  readonly code: number;

  constructor(sentence: string, code: number, options?: ErrorOptions) {
    super(sentence, options);
    this.code = code;
  }
}
export const EXIT = { failed: 1, portTaken: 2, misconfigured: 3 } as const;

let running = false;

/** Starts a server; `config.port` 0 takes a free port. */
export async function startServer(config: ServerConfig): Promise<RunningServer> {
  const faults = configFaults(config);
  if (faults.length > 0) throw new StartError(faults.join(" "), EXIT.misconfigured);
  if (running) throw new StartError("A server already runs in this process; start another process for another server.", EXIT.failed);
  running = true;
  allocateYoung();
  const cleanup: (() => Promise<unknown> | void)[] = [
    () => {
      running = false;
    },
  ];
  try {
    return await compose(config, cleanup);
  } catch (error) {
    for (const undo of cleanup.toReversed()) await undo();
    throw toStartError(error);
  }
}

function toStartError(error: unknown): StartError {
  if (error instanceof StartError) return error;
  if (error instanceof ListenFailure)
    return new StartError(error.message, error.reason === "in-use" ? EXIT.portTaken : EXIT.failed, { cause: error });
  if (error instanceof TransportUnavailable || error instanceof StaticFolderError || error instanceof StoreOpenError)
    return new StartError(error.message, EXIT.misconfigured, { cause: error });
  return new StartError(`The server could not start: ${error instanceof Error ? error.message : String(error)}`, EXIT.failed, { cause: error });
}

async function compose(config: ServerConfig, cleanup: (() => Promise<unknown> | void)[]): Promise<RunningServer> {
  const { region, build } = config;
  const log = openLog({ level: config.logLevel, region, build });
  const metrics = new Metrics({ region });
  // First what has threads of its own to start: this one has enough to do meanwhile.
  const opening = openStore(config, log, metrics);
  cleanup.push(() => settled(opening.then((store) => store.close())));
  const cases = openCaseFile(config);
  cleanup.push(() => settled(cases.then((file) => file.close())));
  // They may fail before anybody waits for them.
  void Promise.allSettled([opening, cases]);
  const devTickets = config.tickets.development ? await DevTicketIssuer.create({ ...config.tickets, region }, Date.now) : undefined;
  const tickets = new TicketVerifier({ ...config.tickets, region, wallClock: Date.now, keys: await ticketKeys(config.tickets, devTickets) });
  const files = config.staticFolder === undefined ? undefined : await StaticFiles.load(config.staticFolder);
  const lull = new Lull();
  const pipeline = openPipeline(config, log, lull.reached);
  cleanup.push(() => pipeline.close());
  const ruleOf = ruleLookup(config.spaces);
  const behaviour = await loadBehaviourModel();
  if (!behaviour.ok) log.warn({ sentence: behaviour.error }, "behaviour is watched by hard limits alone");
  const store = await opening;
  const moderation = await ModerationDesk.open({
    cases: await cases,
    push: (space, input) => host.roomOf(space)?.push(input),
    safetyOf: (space) => ruleOf(space)?.safety ?? DEFAULT_SAFETY,
    retention: config.retention,
    wallClock: Date.now,
    onTrouble: (sentence) => log.error({ sentence }, "the moderators' file is in trouble"),
  });
  cleanup.push(() => moderation.close());
  const host: RoomHost = new RoomHost({
    region,
    build,
    tickRateHz: config.tickRateHz,
    lingerMs: config.roomLingerMs,
    moderation: config.moderation,
    boundaryM: config.boundaryM,
    behaviour: behaviour.ok ? behaviour.value : undefined,
    signals: moderation,
    sceneOf: (space) => ruleOf(space)?.scene,
    initialOf: (space) => ruleOf(space)?.initial,
    thresholdsOf: (space) => ({ ...config.moderation.thresholds, ...ruleOf(space)?.thresholds }),
    store,
    pipeline,
    log,
    metrics,
    traffic: metrics.traffic,
    stir: () => lull.stir(),
  });
  await openMatchmaker(host, log);
  cleanup.push(() => matchMaker.gracefullyShutdown());
  const entrance = new Entrance({ host, tickets, log });
  const moderators = (origins: OriginPolicy): ModerationApi =>
    new ModerationApi({ desk: moderation, tickets, origins, sceneOf: (space) => ruleOf(space)?.scene, wallClock: Date.now });
  const listener = await listen({ config, entrance, devTickets, files, metrics, log, host, pipeline, moderation, moderators });
  const { port } = listener;
  metrics.watch({ rooms: () => [...host.rooms].length, sessions: () => host.sessions, pipeline: () => pipeline.health() });
  log.info({ port, transport: listener.listener.kind }, "listening");
  lull.begin();
  // Otherwise it is written when the process ends in peace, and one that is killed never does.
  flushCompileCache();
  if (config.tickets.development && !isLoopback(config.host))
    log.warn("development tickets are on and other machines can reach this server: whoever does may enter any space in any role");
  const stop = stopper({ config, host, entrance, listener: listener.listener, pipeline, moderation, store, log });
  return { url: `http://${urlHost(config.host)}:${port}`, port, transport: listener.listener.kind, metrics, log, stop };
}

async function openStore(config: ServerConfig, log: Logger, metrics: Metrics): Promise<SceneStore> {
  const onOpened = (tookMs: number): void => metrics.storeOpened(tookMs);
  const onNotice = (sentence: string): void => log.warn({ sentence }, "the store was repaired at start");
  const retention: Retention = { ...RETENTION, ms: config.historyDays * 24 * 3600 * 1000 };
  switch (config.store.kind) {
    case "own":
      return config.store.store;
    case "memory":
      return memoryStore({ now: Date.now });
    case "sqlite":
      return openSqliteStore({ file: config.store.file, retention, onNotice, onOpened });
    case "postgres":
      return openPostgresStore({ url: config.store.url, retention, onNotice, onOpened });
  }
}

/** The moderators' file; its folder is made, and its thread has begun to start when this returns. */
async function openCaseFile({ casesFile = ":memory:" }: ServerConfig): Promise<CaseStore> {
  if (casesFile !== ":memory:") mkdirSync(dirname(resolve(casesFile)), { recursive: true });
  return openCases(casesFile);
}

/** Of what is given up; what goes wrong with it then is no news. */
async function settled(work: Promise<unknown>): Promise<void> {
  await work.catch(() => undefined);
}

/** Workers of our own read their models when the first visitors are in, not while they wait. */
function openPipeline(config: ServerConfig, log: Logger, startAt: Promise<void>): Pipeline {
  if (config.pipeline.kind === "own") return config.pipeline.pipeline;
  return createPipeline(config.pipeline, { startAt, onLog: (line) => log.info({ pipeline: line }, "pipeline") });
}

async function ticketKeys(tickets: TicketConfig, dev: DevTicketIssuer | undefined): Promise<CryptoKey[]> {
  const keys = await Promise.all(tickets.publicKeys.map((jwk) => importJWK(jwk, "EdDSA"))).catch((error: unknown) => {
    throw new StartError("A ticket key cannot be used: it has the form of an Ed25519 key, but is none.", EXIT.misconfigured, { cause: error });
  });
  return [...(keys as CryptoKey[]), ...(dev === undefined ? [] : [dev.publicKey])];
}

/** Colyseus without its greeting, signal handlers and HTTP server; Redis takes the place of the local driver and presence here. */
async function openMatchmaker(host: RoomHost, log: Logger): Promise<void> {
  setLogger(quietColyseus(log));
  await matchMaker.setup(new LocalPresence(), new LocalDriver());
  const room = class extends SpaceRoom {
    protected override readonly host = host;
  };
  matchMaker.defineRoomType(ROOM_NAME, room).filterBy(["space" as never]);
  await matchMaker.accept();
}

type Parts = {
  readonly config: ServerConfig;
  readonly entrance: Entrance;
  readonly devTickets: DevTicketIssuer | undefined;
  readonly files: StaticFiles | undefined;
  readonly metrics: Metrics;
  readonly log: Logger;
  readonly host: RoomHost;
  readonly pipeline: Pipeline;
  readonly moderation: ModerationDesk;
  readonly moderators: (origins: OriginPolicy) => ModerationApi;
};

async function listen(parts: Parts): Promise<{ readonly listener: Listener; readonly port: number }> {
  const { config, entrance, devTickets, files, metrics, log } = parts;
  const origins = originPolicy(config.origins);
  if (!origins.ok) throw new StartError(origins.error, EXIT.misconfigured);
  const health = () => ({ region: config.region, build: config.build, version: VERSION, protocol: PROTOCOL_VERSION, transport: listener.kind });
  const http = httpApp({
    entrance,
    origins: origins.value,
    devTickets,
    files,
    metrics,
    log,
    health,
    unready: () => (entrance.draining ? ["draining"] : []),
    pipeline: () => parts.pipeline.health(),
    explains: explainsOf(parts),
    moderation: parts.moderators(origins.value),
    operator: operatorOf(parts),
  });
  const doorman = new SpaceDoorman({ entrance, origins: origins.value, gate: new AddressGate(config.pendingPerAddress), metrics, log });
  const listener: Listener = await openListener(config.transport, { http, doorman, trustProxy: config.trustProxy }, (line) => log.warn(line));
  return { listener, port: await listener.listen(config.port, config.host) };
}

function explainsOf({ config: { operatorKey }, host }: Parts): Explains | undefined {
  if (operatorKey === undefined) return undefined;
  return {
    operatorKey,
    people: (space, viewer, source) => {
      const room = host.roomOf(space);
      return room === undefined ? undefined : (room.explainPeople(viewer, source) ?? null);
    },
  };
}

function operatorOf({ config: { operatorKey, pipeline }, host, moderation }: Parts): OperatorApi | undefined {
  if (operatorKey === undefined) return undefined;
  const { store } = host.options;
  const redis = pipeline.kind === "redis" ? [redisKeeper(pipeline)] : [];
  const people = new PersonDesk(host, [scenesKeeper(store, host), moderationKeeper(moderation), ...redis]);
  return new OperatorApi({ operatorKey, people, store, wallClock: Date.now });
}

type Stoppable = {
  readonly config: ServerConfig;
  readonly host: RoomHost;
  readonly entrance: Entrance;
  readonly listener: Listener;
  readonly pipeline: Pipeline;
  readonly moderation: ModerationDesk;
  readonly store: SceneStore;
  readonly log: Logger;
};

function stopper(parts: Stoppable): () => Promise<boolean> {
  let stopping: Promise<boolean> | undefined;
  return () => (stopping ??= stopAll(parts));
}

async function stopAll({ config, host, entrance, listener, pipeline, moderation, store, log }: Stoppable): Promise<boolean> {
  const deadline = performance.now() + config.stopMs;
  const late: string[] = [];
  const within = async (what: string, work: Promise<unknown>): Promise<void> => {
    if (!(await finishes(work, deadline - performance.now()))) late.push(what);
  };
  entrance.drain();
  listener.stopListening();
  await within(
    "rooms",
    matchMaker.gracefullyShutdown().finally(() => host.written()),
  );
  await within("connections", listener.close());
  await within("pipeline", pipeline.close());
  await within("moderation", moderation.close());
  await within("store", store.close());
  running = false;
  if (late.length > 0) log.error({ late }, "not everything ended before the deadline of the stop");
  else log.info("stopped");
  return late.length === 0;
}

/** Whether `work` settles within `ms`; a rejection has ended too. */
async function finishes(work: Promise<unknown>, ms: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<false>((resolve) => {
    timer = setTimeout(() => resolve(false), Math.max(0, ms));
  });
  const done = work.then(
    () => true,
    () => true,
  );
  const finished = await Promise.race([done, late]);
  clearTimeout(timer);
  return finished;
}

/** A host to put into a URL: wildcard addresses are not something to browse to. */
const urlHost = (host: string): string =>
  host === "0.0.0.0" || host === "::" || host === "127.0.0.1" ? "localhost" : host.includes(":") ? `[${host}]` : host;
