/** A scene's content handed to the compaction's thread: to see that it decodes, and to tell what one person did in it. */
import type { Result } from "@copresence/shared/base";
import type { Recalling } from "./compaction-worker.ts";
import type { Compactor } from "./compactor.ts";
import { sha256 } from "./records.ts";
import type { AdminError, PersonInScene, SceneContent } from "./store-admin.ts";

/** In buffers that may be handed to another thread. */
export const copyOf = ({ base, records }: SceneContent) => ({
  snapshot: base === undefined ? undefined : { bytes: Uint8Array.from(base), sha256: sha256(base) },
  updates: records.map(({ bytes }) => Uint8Array.from(bytes)),
});

type Told = Pick<PersonInScene, "historyFromMs" | "edits" | "objects" | "fault">;

/** `ended`: pasts of epochs before the content's. A history that cannot be read is said, and keeps nothing else back. */
export async function pastOfPerson(
  compactor: Pick<Compactor, "recall">,
  content: Result<SceneContent, AdminError>,
  user: string,
  ended: readonly Recalling[] = [],
): Promise<Told> {
  const nothing = { historyFromMs: 0, edits: [], objects: [] };
  if (!content.ok) return { ...nothing, fault: content.error.sentence };
  const { snapshot: base, updates } = copyOf(content.value);
  const records = content.value.records.map(({ user: author, atMs }, index) => ({ user: author, atMs, bytes: updates[index] as Uint8Array }));
  const answer = await compactor.recall([...ended, { base, records }], { kind: "person", by: user, object: "", sinceMs: 0, limit: 0 });
  if (!answer.ok) return { ...nothing, fault: `${answer.error}.` };
  if (answer.value.kind !== "person") return { ...nothing, fault: "The history was not understood." };
  const { startMs: historyFromMs, edits, objects } = answer.value;
  return { historyFromMs, edits, objects, fault: undefined };
}
