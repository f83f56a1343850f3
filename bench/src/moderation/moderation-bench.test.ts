import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { DataTrouble, readHateCheck, readTsv } from "./cases.ts";
import { auc, f1, share } from "./score.ts";
import { moderation } from "./suite.ts";

describe("the moderation bench", () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "moderation-bench-"));
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  it("scores files that somebody brings, beside its own figures and the peer's", async () => {
    await writeFile(
      join(folder, "guild.tsv"),
      "label\ttext\n1\tkill yourself you idiot\n0\tgood evening all\ntoxic\tfuck you\nok\tsee you\\nlater\n",
    );
    await writeFile(join(folder, "my-hate-set.tsv"), "hateful\tall muslims are terrorists\nnon-hateful\tmy neighbours are muslims\n");
    await writeFile(
      join(folder, "mixed.tsv"),
      "insult\tyou stupid moron\nthreat\ti will kill you\ncounter-speech\tplease call nobody stupid\ntrash talk\tgg ez\nspam\tFREE GOLD at goldshop.ru\n",
    );
    await writeFile(join(folder, "one-kind.tsv"), "insult\tyou stupid moron\n");
    const { figures } = await moderation({ traces: undefined, network: undefined, dump: undefined, data: folder }, () => undefined, { timed: 50 });
    const value = (id: string): number | undefined => figures.find((figure) => figure.id === id)?.value;
    expect(value("moderation.data.guild.auc")).toBe(1);
    expect(value("moderation.data.guild.auc.obscenity")).toBeGreaterThanOrEqual(0.5);
    expect(figures.find(({ id }) => id === "moderation.data.my-hate-set.auc")?.unit).toContain("hate");
    // Labels of several heads: toxicity without spam, harmless sorts by their names, and each head against the rest.
    expect(figures.find(({ id }) => id === "moderation.data.mixed.auc")).toMatchObject({ unit: "AUC of toxic, n=4", value: 1 });
    expect(value("moderation.data.mixed.spam.auc")).toBe(1);
    expect(figures.filter(({ id }) => id.startsWith("moderation.data.one-kind")).map(({ id }) => id)).toEqual([
      "moderation.data.one-kind.flagged.insult",
    ]);
    expect(value("moderation.auc_chat")).toBeGreaterThan(value("moderation.auc_chat.obscenity") ?? 1);
    for (const id of ["moderation.auc_chat", "moderation.p50_ms", "moderation.p99_ms", "moderation.model_mb"]) {
      expect(figures.find((figure) => figure.id === id)?.bar, id).toBeDefined();
    }
  });

  it("says which line of a file is wrong, and that a path is", async () => {
    await writeFile(join(folder, "bad.tsv"), "1\tfine\n\nno tab here\n");
    expect(() => readTsv(join(folder, "bad.tsv"))).toThrow(DataTrouble);
    expect(() => readTsv(join(folder, "bad.tsv"))).toThrow("line 3");
    const options = { traces: undefined, network: undefined, dump: undefined, data: join(folder, "nowhere") };
    await expect(moderation(options, () => undefined, { timed: 1 })).rejects.toThrow("no such file or folder");
  });

  it("reads HateCheck's quoted fields", async () => {
    const file = join(folder, "cases.csv");
    await writeFile(file, ',functionality,case_id,test_case,label_gold\n0,f_h,1,"a ""b"", c",hateful\n1,g_nh,2,plain,non-hateful\n');
    expect(readHateCheck(file)).toEqual([
      { text: 'a "b", c', positive: true, slice: "f_h" },
      { text: "plain", positive: false, slice: "g_nh" },
    ]);
  });

  it("ranks as pairs do, ties counting half", () => {
    const scored = fc.array(fc.tuple(fc.integer({ min: 0, max: 5 }), fc.boolean()), { minLength: 2, maxLength: 40 });
    fc.assert(
      fc.property(scored, (pairs) => {
        const yes = pairs.filter(([, positive]) => positive);
        const no = pairs.filter(([, positive]) => !positive);
        fc.pre(yes.length > 0 && no.length > 0);
        let wins = 0;
        for (const [a] of yes) for (const [b] of no) wins += a > b ? 1 : a === b ? 0.5 : 0;
        const made = auc(
          pairs.map(([score]) => score),
          pairs.map(([, positive]) => positive),
        );
        expect(made).toBeCloseTo(wins / (yes.length * no.length), 9);
      }),
    );
    expect(f1([true, true, false], [true, false, true])).toBe(0.5);
    expect(share([true, false, false, false])).toBe(0.25);
  });
});
