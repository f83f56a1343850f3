/**
 * One life of a store on a disk that loses power or changes a bit, by seed: the real SQLite adapter on real files, pictures of those files
 * where a fault falls, the real adapter again on what the disk kept (disk-image.ts says which faults).
 *
 * [DS1] After a power cut every acknowledged record is there, in order, and no scene is refused. The commit under way is there whole or not.
 * [DS2] After a flipped bit a scene is exactly what was acknowledged, or it is refused; it is never shorter and never different.
 * [DS3] A scene that was loaded can be written again and loads the same the next time.
 */
import type { LoadedScene } from "@copresence/server/store";
import {
  compactScene,
  fold,
  freshRoot,
  packSnapshot,
  type PackedSnapshot,
  rerootScene,
  SqliteLog,
  storeError,
  unpackSnapshot,
  WalReserve,
} from "@copresence/server/store/testing";
import { err, ok } from "@copresence/shared/base";
import * as Y from "yjs";
import { Random } from "../random.ts";
import { developPicture, flipBit, type Part, PARTS, type Picture, powerCut, takePicture } from "./disk-image.ts";

/** `flip-unmarked`: the bit flips after a power cut, or a kill before the mark was made, that took the marks along. */
export type DiskFault = "power" | "flip" | "flip-unmarked";
export type DiskOutcome = {
  readonly seed: number;
  readonly fault: DiskFault;
  readonly part: Part | undefined;
  /** Acknowledged records. */
  readonly acked: number;
  /** Scenes that were refused, and scenes that loaded. */
  readonly refused: number;
  readonly loaded: number;
  /** The adapter said that it cut an unfinished commit, or mended a damaged one. */
  readonly notices: number;
  /** In words; empty when every promise was kept. */
  readonly violations: readonly string[];
};

/** What one scene was promised: the text of all acknowledged records, and of those in the commit under way. */
type Truth = {
  readonly name: string;
  doc: Y.Doc;
  epoch: number;
  /** The epoch before: how many records it had. */ before: { readonly seq: number } | undefined;
  acked: string;
  ackedSeq: number;
  pending: string;
  pendingSeq: number;
};

/** Less than a server reserves: every picture of the files holds it. */
const RESERVED_BYTES = 64 * 1024;

export async function runDiskSeed(seed: number, folder: string): Promise<DiskOutcome> {
  const life = new DiskLife(seed, `${folder}/seed-${seed}.sqlite`);
  return life.run();
}

class DiskLife {
  private readonly seed: number;
  private readonly file: string;
  private readonly random: Random;
  private readonly truths: Truth[];
  private readonly marks: Buffer[] = [];
  private readonly violations: string[] = [];
  private log: SqliteLog;

  constructor(seed: number, file: string) {
    this.seed = seed;
    this.file = file;
    this.random = new Random(seed);
    this.truths = Array.from({ length: 1 + this.random.int(3) }, (_, index) => {
      const doc = new Y.Doc();
      doc.clientID = 10 + index;
      return { name: `scene-${index}`, doc, epoch: 1, before: undefined, acked: "", ackedSeq: 0, pending: "", pendingSeq: 0 };
    });
    this.log = new SqliteLog(file);
    for (const { name } of this.truths) this.log.load(name);
  }

  async run(): Promise<DiskOutcome> {
    const { random, file } = this;
    for (let steps = 4 + random.int(20); steps > 0; steps--) await this.step();
    const fault: DiskFault = random.chance(0.5) ? "power" : random.chance(0.7) ? "flip" : "flip-unmarked";
    const { before, after } = await this.lastStep(fault);
    this.log.close();
    let kept = after;
    let part: Part | undefined;
    if (fault === "power") {
      kept = powerCut(before, after, this.marks, random);
    } else {
      for (const truth of this.truths) settle(truth);
      const unmarked = fault === "flip-unmarked";
      const flipped = flipBit(unmarked ? { ...after, "-acked": Buffer.alloc(0) } : after, unmarked ? ["", "-wal"] : PARTS, random);
      part = flipped.part;
      kept = flipped.picture;
    }
    developPicture(file, kept);
    return {
      seed: this.seed,
      fault,
      part,
      acked: this.truths.reduce((sum, { ackedSeq }) => sum + ackedSeq, 0),
      ...this.judge(fault),
      violations: this.violations,
    };
  }

  /** One thing a room or the store does. */
  private async step(): Promise<void> {
    const { random, log } = this;
    const what = random.next();
    if (what < 0.75) this.append(false);
    else if (what < 0.87) await this.compact(() => undefined);
    else if (what < 0.9) await this.reroot(() => undefined, false);
    else if (what < 0.93) log.checkpoint();
    else if (what < 0.96) new WalReserve(this.file, RESERVED_BYTES).extend();
    else this.restart();
    this.marks.push(takePicture(this.file)["-acked"]);
    if (this.marks.length > 4) this.marks.shift();
  }

  /** The step the fault falls into: pictures around one of its transactions. */
  private async lastStep(fault: DiskFault): Promise<{ before: Picture; after: Picture }> {
    const { random, file } = this;
    const what = fault === "flip-unmarked" ? 0 : random.next();
    const before = takePicture(file);
    if (what < 0.6) {
      this.append(true);
    } else if (what < 0.75) {
      this.log.checkpoint();
    } else {
      const pictures = [before];
      const watch = (): void => void pictures.push(takePicture(file));
      await (what < 0.88 ? this.compact(watch) : this.reroot(watch, true));
      pictures.push(takePicture(file));
      const at = random.int(pictures.length - 1);
      return { before: pictures[at] as Picture, after: pictures[at + 1] as Picture };
    }
    return { before, after: takePicture(file) };
  }

  /** `inFlight`: the fault falls into this commit, so it is promised to nobody. */
  private append(inFlight: boolean): void {
    const { random } = this;
    const first = random.pick(this.truths);
    const chosen = this.truths.filter((truth) => truth === first || random.chance(0.5));
    const appends = chosen.map((truth) => ({ scene: truth.name, epoch: truth.epoch, records: this.records(truth) }));
    const written = this.log.append(appends, 1_700_000_000_000 + this.seed);
    if (!written.ok || written.value.some((result) => !result.ok)) this.violations.push("an append failed on a sound disk");
    if (!inFlight) for (const truth of chosen) settle(truth);
  }

  private records(truth: Truth) {
    const { random } = this;
    const big = random.chance(0.02);
    return Array.from({ length: 1 + random.int(4) }, () => {
      const { doc } = truth;
      const text = doc.getText("t");
      const before = Y.encodeStateVector(doc);
      if (text.length > 40 && random.chance(0.2)) text.delete(random.int(text.length - 10), 1 + random.int(9));
      else text.insert(random.int(text.length + 1), String.fromCharCode(97 + random.int(26)).repeat(1 + random.int(big ? 60_000 : 600)));
      truth.pending = text.toString();
      truth.pendingSeq++;
      return {
        user: `user-${doc.clientID}`,
        client: doc.clientID,
        clock: Y.getState(doc.store, doc.clientID),
        update: Y.encodeStateAsUpdate(doc, before),
      };
    });
  }

  private async compact(turn: () => void): Promise<void> {
    const { name, epoch } = this.random.pick(this.truths);
    const compactor = {
      fold: async ({ snapshot, updates }: { snapshot: PackedSnapshot | undefined; updates: readonly Uint8Array[] }) => {
        const folded = fold(snapshot === undefined ? undefined : unpackSnapshot(snapshot), updates);
        if (!folded.ok) return err(folded.error);
        const { bytes, sha256 } = packSnapshot(folded.value.state);
        return ok({ ...folded.value, state: bytes, bytes: folded.value.state.length, sha256 });
      },
    };
    const compacted = await compactScene({ log: this.log, compactor, scene: name, epoch, turn: async () => turn() });
    if (!compacted.ok) this.violations.push(`a compaction failed on a sound disk: ${compacted.error.sentence}`);
  }

  /** Everybody begins anew on the fresh document, and writes under another id. `inFlight`: the fault falls into it. */
  private async reroot(turn: () => void, inFlight: boolean): Promise<void> {
    const truth = this.random.pick(this.truths);
    const compactor = {
      renew: async ({ snapshot, updates }: { snapshot: PackedSnapshot | undefined; updates: readonly Uint8Array[] }, root: number) => {
        const state = snapshot === undefined ? undefined : unpackSnapshot(snapshot);
        const fresh = freshRoot(state === undefined ? updates : [state, ...updates], root);
        return fresh.ok ? ok(fresh.value) : err(fresh.error);
      },
    };
    const note = { key: "retired", value: Uint8Array.of(truth.epoch & 0xff) };
    const begun = await rerootScene({ log: this.log, compactor, scene: truth.name, epoch: truth.epoch, turn: async () => turn(), note });
    if (!begun.ok) return void this.violations.push(`a re-rooting failed on a sound disk: ${begun.error.sentence}`);
    const doc = new Y.Doc();
    for (const update of begun.value.updates) Y.applyUpdate(doc, update);
    doc.clientID = truth.doc.clientID + 100;
    truth.before = inFlight ? { seq: truth.ackedSeq } : undefined;
    Object.assign(truth, { doc, epoch: begun.value.epoch, ackedSeq: begun.value.updates.length, pendingSeq: begun.value.updates.length });
  }

  private restart(): void {
    this.log.close();
    this.log = new SqliteLog(this.file);
    for (const { name } of this.truths) if (!this.log.load(name).ok) this.violations.push("a scene was refused after a clean restart");
  }

  /** Opens what the disk kept, twice. */
  private judge(fault: DiskFault): { refused: number; loaded: number; notices: number } {
    let notices = 0;
    let refused = 0;
    let loaded = 0;
    for (const round of [1, 2]) {
      let log: SqliteLog;
      try {
        log = new SqliteLog(this.file, () => notices++);
      } catch (error) {
        // The whole file is refused: aloud, so nothing is lost in silence; but a power cut alone must never do that.
        const { code, sentence } = storeError(error);
        if (fault === "power" || code !== "corrupt") this.violations.push(`the store did not open (${code}): ${sentence}`);
        return { refused: this.truths.length, loaded: 0, notices };
      }
      refused = loaded = 0;
      for (const truth of this.truths) {
        const result = log.load(truth.name);
        if (!result.ok) {
          refused++;
          if (fault === "power" || result.error.code !== "corrupt")
            this.violations.push(`${truth.name} was refused (${result.error.code}): ${result.error.sentence}`);
          continue;
        }
        loaded++;
        this.compare(truth, result.value, round);
        if (round === 1) this.goOn(log, truth);
      }
      closeQuietly(log);
    }
    return { refused, loaded, notices };
  }

  /** [DS1] [DS2] */
  private compare(truth: Truth, loaded: LoadedScene, round: number): void {
    const { seq, snapshot, updates } = loaded;
    const doc = new Y.Doc();
    if (snapshot !== undefined) Y.applyUpdate(doc, snapshot);
    for (const update of updates) Y.applyUpdate(doc, update);
    const text = doc.getText("t").toString();
    // A re-rooting promises nothing new: the epoch before it is as good, when the fault fell into it.
    if (loaded.epoch === truth.epoch - 1 && seq === truth.before?.seq && text === truth.acked) {
      Object.assign(truth, { epoch: loaded.epoch, ackedSeq: seq, pending: truth.acked, pendingSeq: seq });
      return;
    }
    const exact = loaded.epoch === truth.epoch && seq === truth.ackedSeq && text === truth.acked;
    const withPending = seq === truth.pendingSeq && text === truth.pending;
    if (!exact && !withPending)
      this.violations.push(
        `${truth.name} came back with ${seq} of ${truth.ackedSeq} records and ${text.length} of ${truth.acked.length} characters (load ${round})`,
      );
    else if (withPending) settle(truth);
    else Object.assign(truth, { pending: truth.acked, pendingSeq: truth.ackedSeq });
  }

  /** [DS3]; on a damaged file the write may fail, but then it must say so. */
  private goOn(log: SqliteLog, truth: Truth): void {
    const update = Y.encodeStateAsUpdate(new Y.Doc());
    const appended = log.append([{ scene: truth.name, epoch: truth.epoch, records: [{ user: "heir", client: 0, clock: 0, update }] }], 1);
    if (!appended.ok || appended.value[0]?.ok !== true) return;
    truth.ackedSeq++;
    truth.pendingSeq = truth.ackedSeq;
  }
}

/** What was under way is promised now. */
function settle(truth: Truth): void {
  truth.acked = truth.pending;
  truth.ackedSeq = truth.pendingSeq;
}

function closeQuietly(log: SqliteLog): void {
  try {
    log.close();
  } catch {
    // A damaged file may not even close; its lock goes with the handle.
  }
}
