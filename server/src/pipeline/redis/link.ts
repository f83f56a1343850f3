/**
 * A connection to Redis that may die or freeze without anybody waiting for it (PROMISES P8).
 *
 * [RL1] No command is queued while there is no connection, and every command is given up after `COMMAND_MS`; the connection is then taken for
 *       frozen and made anew. ioredis itself never fails commands for having retried (`maxRetriesPerRequest: null`).
 * [RL2] Reconnects back off from 50 ms to 2 s and never end.
 * [RL3] The address, which may hold a password, appears in no message.
 */
import { Redis } from "ioredis";

export const COMMAND_MS = 2000;
const CONNECT_MS = 2000;
const LAST_BACKOFF_MS = 2000;

export type Link = {
  /** Runs one command, or a pipeline of them; `ms` is on top of `COMMAND_MS` for commands that block. */
  run<T>(command: (redis: Redis) => Promise<T>, ms?: number): Promise<T>;
  readonly up: boolean;
  /** Resolves when there is a connection, or when the first attempt has had its time. */
  ready(): Promise<void>;
  close(): void;
};

/** What XREAD and XREADGROUP answer: per stream its entries, fields flat; null fields were deleted meanwhile. */
export type StreamRead = readonly (readonly [key: string, entries: readonly (readonly [id: string, fields: readonly string[]])[]])[];

export class RedisTrouble extends Error {}

export function openLink(url: string): Link {
  const redis = new Redis(url, {
    maxRetriesPerRequest: null,
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    connectTimeout: CONNECT_MS,
    retryStrategy: (attempts) => Math.min(LAST_BACKOFF_MS, 50 * 2 ** Math.min(10, attempts - 1)),
    protocol: 2,
  });
  // Without a listener ioredis prints every failed attempt; who uses the link learns of trouble from its commands.
  redis.on("error", () => undefined);
  return {
    get up() {
      return redis.status === "ready";
    },
    ready: () =>
      new Promise((resolve) => {
        if (redis.status === "ready") return resolve();
        const timer = setTimeout(resolve, CONNECT_MS);
        redis.once("ready", () => {
          clearTimeout(timer);
          resolve();
        });
      }),
    run: async (command, ms = 0) => {
      if (redis.status !== "ready") throw new RedisTrouble("Redis cannot be reached");
      let timer: NodeJS.Timeout | undefined;
      const late = new Promise<never>((_, reject) => {
        timer = setTimeout(() => {
          redis.disconnect(true);
          reject(new RedisTrouble(`Redis did not answer in ${COMMAND_MS} ms`));
        }, ms + COMMAND_MS);
      });
      const work = command(redis);
      // It may be rejected after everybody has left.
      work.catch(() => undefined);
      try {
        return await Promise.race([work, late]);
      } finally {
        clearTimeout(timer);
      }
    },
    close: () => redis.disconnect(false),
  };
}

/** What went wrong, for the log: Redis's own first line without values. */
export function troubleOf(error: unknown): string {
  if (error instanceof RedisTrouble) return error.message;
  const message = error instanceof Error ? error.message : "";
  const code = /^[A-Z]{3,20}\b/.exec(message)?.[0];
  return code === undefined ? "the connection to Redis broke" : `Redis refused with ${code}`;
}
