import { createObject } from "@copresence/shared/scene";
import { expect, it } from "vitest";
import * as Y from "yjs";
import { only, scene, sent } from "./core-kit.ts";
import { CoreRun, edit, session } from "./core-run.ts";

const CANARY = "canary-7f3a91c05e";
const ALIAS = "erased-0000000001";

it("an open room forgets somebody who was erased: in edits that still wait for the disk, in its rules, and in whose clientIDs are whose", () => {
  const run = new CoreRun();
  run.join(CANARY);
  run.join("mod", "moderator");
  const rule = { target: "scene", name: "", to: "user", right: "edit" } as const;
  const permit = (who: string, ref: number) => run.say("mod", { type: "permit", ref, scope: { ...rule, who }, effect: "allow" });
  permit(CANARY, 1);
  permit("ann", 2);
  run.storeWorks = false;
  const replica = new Y.Doc();
  replica.clientID = 4242;
  run.say(
    CANARY,
    edit(replica, () => createObject(replica, scene, "sign", "hers", { label: "mine" })),
  );
  run.step({ kind: "leave", session: session(CANARY) });
  expect(run.core.holdsOf(CANARY)).toBeUndefined();
  expect(run.core.holdsOf("mod")).toEqual([]);
  run.step({ kind: "appended", batch: run.unanswered[0]!, ok: false, sentence: "full" }, { kind: "forgetPerson", user: CANARY, alias: ALIAS });

  run.storeWorks = true;
  const [append] = only(run.step({ kind: "storeRecovered" }), "append");
  expect(append?.records.map(({ user, client }) => [user, client])).toEqual([[ALIAS, 4242]]);
  const [note] = only(permit("bob", 3), "note");
  const rules = (JSON.parse(new TextDecoder().decode(note?.value)) as { rules: { who: string }[] }).rules;
  expect(rules.map(({ who }) => who)).toEqual(["ann", "bob"]);
  // Back again, on the same device: what it wrote then is somebody else's now, and it begins anew.
  run.join(CANARY);
  const again = run.say(
    CANARY,
    edit(replica, () => createObject(replica, scene, "sign", "more")),
  );
  expect(sent(again, session(CANARY), "denied")).toHaveLength(1);
});
