/**
 * Preloaded into a server that is to die at a named place: `node --import '.../crash-here.ts?at=append.fsync&hit=3' server/src/cli.ts`.
 * Node preloads it into every thread; each place is reached in one kind of thread only. Without this import the places do nothing.
 *
 * [CH1] At an ordinary place the process kills itself between two instructions. At a place called `.fsync` another thread kills it while this
 *       one goes on into the commit, after up to SPREAD_US: before, during or just after the fsync.
 */
import { Worker } from "node:worker_threads";
import type { CrashPoint } from "@copresence/server/store/crash-point";

/** A commit with its fsync takes about this long. */
const SPREAD_US = 1500;

const settings = new URL(import.meta.url).searchParams;
const at = settings.get("at");
const duringFsync = at?.endsWith(".fsync") === true;
let left = Number(settings.get("hit") ?? "1");
const flag = new Int32Array(new SharedArrayBuffer(4));

const die = (): void => void process.kill(process.pid, "SIGKILL");

const killer = `
  const { workerData } = require("node:worker_threads");
  Atomics.wait(workerData.flag, 0, 0);
  const end = performance.now() + Math.random() * ${SPREAD_US / 1000};
  while (performance.now() < end);
  process.kill(process.pid, "SIGKILL");`;
if (duringFsync) new Worker(killer, { eval: true, execArgv: [], workerData: { flag } }).unref();

Object.assign(globalThis, {
  [Symbol.for("copresence.crash-point")]: (name: CrashPoint): void => {
    if (name !== at || --left !== 0) return;
    if (!duringFsync) return die();
    Atomics.store(flag, 0, 1);
    Atomics.notify(flag, 0);
  },
});
