/** Resident memory of a worker process with every default model loaded and warm and a scene indexed, as the kernel counts it. */
import { readFileSync } from "node:fs";
import { createPipeline, type Pipeline, type PipelineAnswer } from "@copresence/server/pipeline";
import { pause } from "./timing.ts";

export type MemorySettings = { readonly objects: number; readonly texts: number };
export type MemoryResult = { readonly residentMb: number; readonly peakMb: number; readonly emptyMb: number; readonly nurseryMb: number };

const WORDS =
  "red blue brass wooden small heavy valve pump lamp crate ladder bench gasket wheel pipe gauge door shelf north south old new broken spare main cooling".split(
    " ",
  );

export async function workerMemory({ objects, texts }: MemorySettings): Promise<MemoryResult> {
  const pipeline = createPipeline({ kind: "process" });
  try {
    const answers = collect(pipeline);
    while (pipeline.health().state !== "ready") await pause(20);
    const [pid = 0] = pipeline.health().workers;
    const emptyMb = memoryOf(pid, "VmRSS");
    for (let i = 0; i < objects; i++) pipeline.offer("memory", thing(i));
    for (let i = 0; i < texts; i++) {
      pipeline.offer("memory", { kind: "text", subject: { kind: "chat", id: i }, version: 1, user: `u${i % 200}`, text: sentence(i, 12) });
      if (i % 50 === 0) await pause(5);
    }
    for (let ref = 0; ref < 50; ref++) {
      await answers.ask(ref, `the ${sentence(ref, 2)} near the ${WORDS[ref % WORDS.length]}`);
    }
    while (pipeline.health().queued > 0) await pause(20);
    return { residentMb: memoryOf(pid, "VmRSS"), peakMb: memoryOf(pid, "VmHWM"), emptyMb, nurseryMb: memoryOf(numberOf(pid, "PPid"), "VmRSS") };
  } finally {
    await pipeline.close();
  }
}

function collect(pipeline: Pipeline) {
  let heard: (answer: PipelineAnswer) => void = () => undefined;
  pipeline.onAnswer("memory", (answer) => heard(answer));
  return {
    ask: (ref: number, text: string): Promise<void> =>
      new Promise((resolve) => {
        heard = (answer) => void (answer.kind === "searched" && answer.ref === ref && resolve());
        pipeline.offer("memory", { kind: "search", session: "bench" as never, ref, text, limit: 10, withinM: 0, types: [], from: null });
      }),
  };
}

const sentence = (seed: number, count: number): string =>
  Array.from({ length: count }, (_, i) => WORDS[(seed * 7 + i * (1 + (seed % 5))) % WORDS.length]).join(" ");

const thing = (i: number) =>
  ({
    kind: "object",
    object: `object-${i}`,
    version: 1,
    type: WORDS[i % WORDS.length] ?? "prop",
    label: `${sentence(i, 3)} ${i}`,
    text: `${sentence(i, 3)} ${i}\n${sentence(i + 1, 20)}`,
    position: [(i % 100) * 0.4, 1, Math.floor(i / 100) * 0.4],
    sizeM: 0.2 + (i % 10) / 10,
    color: "#aa3322",
  }) as const;

/** MB (10^6 bytes) of a field of /proc/PID/status. */
const memoryOf = (pid: number, field: "VmRSS" | "VmHWM"): number => (numberOf(pid, field) * 1024) / 1e6;

function numberOf(pid: number, field: "VmRSS" | "VmHWM" | "PPid"): number {
  return Number(new RegExp(`${field}:\\s+(\\d+)`).exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]);
}
