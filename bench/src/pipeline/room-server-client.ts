/** The bench's end of its server process. */
import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { PipelineChoice } from "@copresence/server/pipeline";
import type { FromRoomServer, ToRoomServer } from "./room-server.ts";

const ENTRY = fileURLToPath(new URL("./room-server-process.ts", import.meta.url));
const SCENE = new URL("../../../examples/src/workshop.ts", import.meta.url).href;

export type RoomServer = {
  readonly url: string;
  readonly pid: number;
  tell(message: ToRoomServer): void;
  /** Ends the recording. */
  take(): Promise<Extract<FromRoomServer, { kind: "ticks" }>>;
  /** Until a worker serves and nothing waits. */
  settled(): Promise<void>;
  stop(): Promise<void>;
};
export type RoomServerOptions = { readonly pipeline: PipelineChoice; readonly tickRateHz: number; readonly spaces: readonly string[] };

export async function startRoomServer(options: RoomServerOptions): Promise<RoomServer> {
  const child = fork(ENTRY, { stdio: ["ignore", "ignore", "inherit", "ipc"], serialization: "advanced" });
  const tell = (message: ToRoomServer): void => void child.send(message);
  const heard = <K extends FromRoomServer["kind"]>(kind: K): Promise<Extract<FromRoomServer, { kind: K }>> =>
    new Promise((resolve, reject) => {
      const gone = (): void => reject(new Error("the bench's server ended"));
      const listen = (message: FromRoomServer): void => {
        if (message.kind !== kind) return;
        child.off("message", listen);
        child.off("exit", gone);
        resolve(message as Extract<FromRoomServer, { kind: K }>);
      };
      child.on("message", listen);
      child.once("exit", gone);
    });
  const running = heard("running");
  tell({ kind: "start", scene: SCENE, ...options });
  const { url } = await running;
  return {
    url,
    pid: child.pid ?? 0,
    tell,
    take: () => {
      const ticks = heard("ticks");
      tell({ kind: "take" });
      return ticks;
    },
    settled: async () => {
      const serving = heard("serving");
      tell({ kind: "settle" });
      await serving;
    },
    stop: async () => {
      const gone = once(child, "exit");
      tell({ kind: "stop" });
      await gone;
    },
  };
}
