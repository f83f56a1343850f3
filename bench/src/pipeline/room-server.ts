/**
 * The real server in a process of its own, with what a bench needs on top: every tick's duration, by phase, and a pipeline that can be
 * flooded, stopped and killed while the rooms go on. Started by room-server-process.ts with `fork`; speaks `ToRoomServer` and `FromRoomServer`.
 *
 * [BS1] Trouble is made from outside the rooms: the flood is of another scene than the measured one, and comes between ticks.
 */
import { developmentConfig } from "@copresence/server/config";
import { startServer } from "@copresence/server/main";
import { createPipeline, type Pipeline, type PipelineChoice, type PipelineHealth } from "@copresence/server/pipeline";

export type Phase = "idle" | "flooded" | "frozen" | "dead";
export type ToRoomServer =
  | {
      readonly kind: "start";
      readonly pipeline: PipelineChoice;
      readonly scene: string;
      readonly tickRateHz: number;
      readonly spaces: readonly string[];
    }
  /** Makes trouble, or ends it; ticks are kept from `record` on. */
  | { readonly kind: "phase"; readonly phase: Phase }
  | { readonly kind: "record" }
  /** Ends the recording and answers `ticks`. */
  | { readonly kind: "take" }
  /** Answers `serving` once a worker has judged a text and nothing waits. */
  | { readonly kind: "settle" }
  | { readonly kind: "stop" };
export type FromRoomServer =
  | { readonly kind: "running"; readonly url: string }
  | { readonly kind: "serving" }
  | { readonly kind: "ticks"; readonly tookMs: readonly number[]; readonly lateMs: readonly number[]; readonly health: PipelineHealth };

const FLOOD_MS = 5;
/** Of each kind every `FLOOD_MS`: 8 000 texts and 8 000 changes a second, more than a worker takes; a thousand people may say 2 000. */
const FLOOD_COUNT = 40;
const WATCH_MS = 20;

export function serveBench(): void {
  const say = (message: FromRoomServer): void => void process.send?.(message);
  let [tookMs, lateMs]: [number[], number[]] = [[], []];
  let recording = false;
  let stop: () => Promise<unknown> = () => Promise.resolve();
  let trouble: NodeJS.Timeout | undefined;
  let pipeline: Pipeline | undefined;

  async function start({ pipeline: choice, scene, tickRateHz, spaces }: Extract<ToRoomServer, { kind: "start" }>): Promise<void> {
    const { workshop } = (await import(scene)) as { readonly workshop: Parameters<typeof developmentConfig>[0][number]["scene"] };
    pipeline = createPipeline(choice);
    // Every line counts: nobody is muted for saying the same not nice things again and again.
    const rules = spaces.map((space) => ({ spaces: space, scene: workshop, safety: { automatic: false, scores: {}, hiddenTexts: 3 } }));
    const server = await startServer(
      developmentConfig(rules, { port: 0, transport: "ws", tickRateHz, logLevel: "silent", pipeline: { kind: "own", pipeline } }),
    );
    const told = server.metrics.tick.bind(server.metrics);
    server.metrics.tick = (took, late) => {
      told(took, late);
      if (!recording) return;
      tookMs.push(took);
      lateMs.push(late);
    };
    stop = () => server.stop();
    say({ kind: "running", url: server.url });
  }

  function enter(phase: Phase): void {
    clearInterval(trouble);
    for (const pid of pipeline?.health().workers ?? []) signal(pid, "SIGCONT");
    let version = 0;
    const flood = (): void => {
      for (let i = 0; i < FLOOD_COUNT; i++) {
        version++;
        pipeline?.offer("flood", {
          kind: "text",
          subject: { kind: "chat", id: version },
          version,
          user: `u${version % 500}`,
          text: `come and see number ${version}`,
        });
        pipeline?.offer("flood", thing(version));
      }
    };
    const strike = (name: NodeJS.Signals) => (): void => {
      for (const pid of pipeline?.health().workers ?? []) signal(pid, name);
    };
    if (phase === "flooded") trouble = setInterval(flood, FLOOD_MS);
    // A replacement is stopped or killed as soon as it shows.
    if (phase === "frozen") trouble = setInterval(strike("SIGSTOP"), WATCH_MS);
    if (phase === "dead") trouble = setInterval(strike("SIGKILL"), WATCH_MS);
  }

  /** Asks again and again until the answer is a worker's, not the reduced form's. */
  function settle(): void {
    const asked = pipeline;
    if (asked === undefined) return;
    let id = 0;
    let judged = false;
    const stopListening = asked.onAnswer("probe", (answer) => {
      if (answer.kind === "verdict" && answer.by.model !== "lexicon") judged = true;
    });
    const probe = setInterval(() => {
      if (!judged)
        return asked.offer("probe", { kind: "text", subject: { kind: "chat", id: ++id }, version: 1, user: "probe", text: "is anybody there" });
      if (asked.health().queued > 0) return;
      clearInterval(probe);
      stopListening();
      say({ kind: "serving" });
    }, WATCH_MS);
  }

  process.once("disconnect", () => process.exit(0));
  process.on("message", (message: ToRoomServer) => {
    switch (message.kind) {
      case "start":
        return void start(message);
      case "phase":
        return enter(message.phase);
      case "record":
        [tookMs, lateMs] = [[], []];
        recording = true;
        return;
      case "take":
        recording = false;
        if (pipeline !== undefined) say({ kind: "ticks", tookMs, lateMs, health: pipeline.health() });
        return;
      case "settle":
        return settle();
      case "stop":
        enter("idle");
        return void stop().then(() => process.exit(0));
    }
  });
}

const thing = (version: number) =>
  ({
    kind: "object",
    object: `flood-${version % 3000}`,
    version,
    type: "prop",
    label: `crate number ${version}`,
    text: "",
    position: [version % 40, 1, 0],
    sizeM: 1,
    color: "",
  }) as const;

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // It is gone already.
  }
}
