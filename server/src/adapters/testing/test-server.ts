/**
 * A server for tests over real sockets, on either transport: in this process where its transport loads here, else in a child under
 * Debian 13's loader. Tickets are signed with a key the test holds.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { type CryptoKey, exportJWK, generateKeyPair, type JWK } from "jose";
import { developmentConfig, type ServerConfig } from "../../config.ts";
import { issueTicket, type TicketRequest } from "../auth/tickets.ts";
import { LoaderUnavailable, trixieLoader, uwsLoadsHere } from "../colyseus/transports/trixie-loader.ts";
import testScene from "./test-scene.ts";

export { testScene };

export const TEST_AUTHORITY = { issuer: "test-app", audience: "copresence" };
/** What a test may choose. For uWS it may have to cross to a child process as JSON, so stores and pipelines of the test's own are for ws. */
export type TestServerOptions = Partial<Omit<ServerConfig, "spaces" | "tickets" | "transport">>;
export type TestTicket = Partial<TicketRequest> & { readonly key?: CryptoKey; readonly issuedSecondsAgo?: number; readonly seconds?: number };
export type TestServer = {
  readonly url: string;
  /** A ticket for Ada, member of the space `demo`, unless said otherwise. */
  ticket(change?: TestTicket): Promise<string>;
  stop(): Promise<void>;
};

/** The configuration behind `startTestServer`, also used by the child process. Spaces: `demo` and `test-*`. */
export function testConfig(transport: "ws" | "uws", publicKeys: readonly JWK[], options: TestServerOptions): ServerConfig {
  const rules = ["demo", "test-*"].map((spaces) => ({ spaces, scene: testScene }));
  return developmentConfig(rules, {
    port: 0,
    transport,
    pipeline: { kind: "inline" },
    logLevel: "silent",
    tickets: { ...TEST_AUTHORITY, publicKeys, development: false },
    ...options,
  });
}

/** Why a transport cannot be tested here, or undefined. */
export async function whyNot(transport: "ws" | "uws"): Promise<string | undefined> {
  if (transport === "ws" || (await uwsLoadsHere())) return undefined;
  try {
    await trixieLoader(CACHE);
    return undefined;
  } catch (error) {
    if (error instanceof LoaderUnavailable) return error.message;
    throw error;
  }
}

const CACHE = fileURLToPath(new URL("../../../../.cache", import.meta.url));
const CHILD = fileURLToPath(new URL("./test-server-process.ts", import.meta.url));

export async function startTestServer(transport: "ws" | "uws", options: TestServerOptions = {}): Promise<TestServer> {
  const { publicKey, privateKey } = await generateKeyPair("EdDSA", { extractable: true });
  const keys = [await exportJWK(publicKey)];
  const here = transport === "ws" || (await uwsLoadsHere());
  const running = here ? await startHere(transport, keys, options) : await startChild(transport, keys, options);
  return { ...running, ticket: (change = {}) => signTicket(privateKey, change) };
}

function signTicket(ownKey: CryptoKey, { key = ownKey, issuedSecondsAgo = 0, seconds = 60, ...request }: TestTicket): Promise<string> {
  const nowS = Math.floor(Date.now() / 1000) - issuedSecondsAgo;
  return issueTicket(key, TEST_AUTHORITY, { user: "ada", name: "Ada", role: "member", space: "demo", region: "local", ...request }, nowS, seconds);
}

async function startHere(transport: "ws" | "uws", keys: readonly JWK[], options: TestServerOptions): Promise<Pick<TestServer, "url" | "stop">> {
  const { startServer } = await import("../../main.ts");
  const server = await startServer(testConfig(transport, keys, options));
  return { url: `http://127.0.0.1:${server.port}`, stop: async () => void (await server.stop()) };
}

async function startChild(transport: "ws" | "uws", keys: readonly JWK[], options: TestServerOptions): Promise<Pick<TestServer, "url" | "stop">> {
  return startUnderLoader(CHILD, JSON.stringify({ transport, keys, options }));
}

/** A script under Debian 13's loader that prints the port it listens on, and ends on SIGTERM. */
export async function startUnderLoader(file: string, ...more: readonly string[]): Promise<Pick<TestServer, "url" | "stop">> {
  const [loader = "", ...args] = await trixieLoader(CACHE);
  const child = spawn(loader, [...args, file, ...more], { stdio: ["ignore", "pipe", "inherit"] });
  const port = await firstLine(child);
  return { url: `http://127.0.0.1:${port}`, stop: () => end(child) };
}

function firstLine(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (code) => reject(new Error(`the test server ended with ${code} before it listened`)));
    if (child.stdout !== null) createInterface(child.stdout).once("line", resolve);
  });
}

function end(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    child.once("exit", () => resolve());
    child.kill("SIGTERM");
  });
}
