/**
 * One report's life, in a real server and a real browser: reported from the SDK, seen in the queue, decided, enforced, appealed, taken back.
 * Afterwards every file the server wrote, its metrics and its log are searched for what must not be there.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { connect, devTicket } from "@copresence/client/node";
import { build } from "vite";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type ServerProcess, startServerProcess } from "../server-process.ts";
import { launchBrowser, type TestBrowser } from "./browser.ts";
import { DemoPage } from "./demo-page.ts";
import { workshop } from "../../../examples/src/workshop.ts";

const EXAMPLES = fileURLToPath(new URL("../../../examples", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "copresence-moderate-"));
let server: ServerProcess;
let browser: TestBrowser;
type Joined = Awaited<ReturnType<typeof dial>>;
const spaces: Joined[] = [];
const tickets: string[] = [];

beforeAll(async () => {
  await build({ root: EXAMPLES, logLevel: "silent" });
  server = await startServerProcess({
    COPRESENCE_SCENE: `${EXAMPLES}/src/workshop.ts`,
    COPRESENCE_STATIC: `${EXAMPLES}/dist`,
    COPRESENCE_STORE: join(folder, "scenes.sqlite"),
    COPRESENCE_PIPELINE: "inline",
    COPRESENCE_DEV_TICKETS: "1",
    COPRESENCE_LOG: "info",
  });
  browser = await launchBrowser({ width: 900, height: 480 });
}, 90_000);
afterAll(async () => {
  for (const space of spaces) await space.leave();
  await browser?.close();
  await server?.stop();
  rmSync(folder, { recursive: true, force: true });
});

const dial = (user: string) =>
  connect({
    url: server.url,
    space: "demo",
    scene: workshop,
    ticket: async () => {
      const ticket = await devTicket(server.url, { space: "demo", name: user, user });
      tickets.push(ticket);
      return ticket;
    },
  });
async function enter(user: string): Promise<Joined> {
  const space = await dial(user);
  spaces.push(space);
  return space;
}

const next = <T>(space: Joined, event: "measure" | "denied"): Promise<T> =>
  new Promise((resolve) => void space.on(event, (value: unknown) => resolve(value as T)));

it("a report is seen, decided, enforced, appealed and taken back", async () => {
  const ada = await enter("canary-ada");
  let eve = await enter("canary-eve");
  const pose = new Float64Array(21);
  for (const at of [0, 7, 14]) pose.set([3.2415926, 1.6180339, 2.9182818, 0, 0, 0, 1], at);
  eve.me.setPose(pose);
  eve.frame();
  const heard = new Promise((resolve) => void ada.on("chat", resolve));
  eve.chat("canary-unreported");
  await heard;
  expect(await ada.safety.report({ user: "canary-eve", reason: "harassment", text: "she follows me" })).toBe(1);

  const page = await browser.context.newPage();
  await page.goto(`${server.url}/moderate.html`);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.locator("[data-case='1']").click();
  await page.getByText("she follows me").waitFor();
  await page.locator("#decision").selectOption("mute");
  const muted = next<{ measure: number; what: string; on: boolean }>(eve, "measure");
  await page.getByRole("button", { name: "Decide" }).click();
  expect(await muted).toMatchObject({ measure: 1, what: "mute", on: true });
  const refused = next<{ reason: string }>(eve, "denied");
  eve.chat("canary-muted");
  expect(await refused).toMatchObject({ reason: "not-allowed" });
  // Who comes back is told at the door, before they try.
  await eve.leave();
  eve = await enter("canary-eve");
  await expect.poll(() => eve.safety.measures.get(1)?.sentence).toMatch(/not chat here for the next \d+ minutes\. Reason: harassment\..*appeal/);

  expect(await ada.safety.appeal("not about me")).toBe(false);
  expect(await eve.safety.appeal("I only passed by")).toBe(true);
  await page.locator("#filter").selectOption("appealed");
  await page.locator("[data-case='1']").click();
  await page.locator("#audit").getByText("canary-eve: appealed").waitFor();
  const over = next<{ on: boolean }>(eve, "measure");
  await page.getByRole("button", { name: "Take back" }).click();
  expect(await over).toMatchObject({ on: false });
  expect(eve.safety.measures.size).toBe(0);
  const said = new Promise((resolve) => void ada.on("chat", resolve));
  eve.chat("canary-free");
  await said;
}, 60_000);

/** A moderator's session without a page. */
async function moderator(): Promise<(what: string, body: object) => Promise<Record<string, unknown>>> {
  const ticket = await devTicket(server.url, { space: "demo", name: "mod", user: "mod", role: "moderator" });
  const post = async (what: string, body: object, bearer: string): Promise<Record<string, unknown>> => {
    const headers = { authorization: `Bearer ${bearer}`, "content-type": "application/json" };
    const answer = await fetch(`${server.url}/moderation/${what}`, { method: "POST", headers, body: JSON.stringify(body) });
    return (await answer.json()) as Record<string, unknown>;
  };
  const { token } = await post("session", {}, ticket);
  return (what, body) => post(what, body, what === "appeal" ? String((body as { ticket?: string }).ticket) : String(token));
}

it("who is frozen, an object in quarantine and who is removed are so in a real room, and an appeal from outside brings them back", async () => {
  const [ada, kim] = [spaces[0] as Joined, await enter("canary-kim")];
  const ask = await moderator();
  const id = Number(await ada.safety.report({ user: "canary-kim", object: "crate-1", reason: "vandalism" })) || 0;
  expect(id).toBeGreaterThan(0);
  const [, ...rest] = ((await ask("queue", { state: "open" })) as { cases: readonly { id: number }[] }).cases;
  expect(rest).toEqual([]);
  const of = ((await ask("queue", { state: "open" })) as { cases: readonly { id: number }[] }).cases[0]?.id ?? 0;

  const frozen = next<{ what: string }>(kim, "measure");
  expect(await ask("decide", { id: of, kind: "freeze" })).toEqual({ done: true });
  expect(await frozen).toMatchObject({ what: "freeze" });
  const refused = next<{ reason: string }>(kim, "denied");
  kim.objects.create("crate", { label: "canary-frozen" });
  expect(await refused).toMatchObject({ reason: "not-allowed" });

  expect(await ask("decide", { id: of, kind: "quarantine" })).toEqual({ done: true });
  expect(await ask("decide", { id: of, kind: "remove" })).toEqual({ done: true });
  await expect.poll(() => kim.status, { timeout: 5000 }).toBe("closed");
  await expect(enter("canary-kim")).rejects.toThrow();

  const ticket = await devTicket(server.url, { space: "demo", name: "kim", user: "canary-kim" });
  tickets.push(ticket);
  expect(await ask("appeal", { ticket, text: "let me in" })).toEqual({ taken: true });
  const view = (await ask("case", { id: of })) as { measures: readonly { id: number; endedMs: number }[] };
  const held = view.measures.find(({ endedMs }) => endedMs === 0);
  expect(await ask("rollback", { measure: held?.id })).toEqual({ done: true });
  expect((await enter("canary-kim")).status).toBe("live");
}, 30_000);

it("the same in the demo: reported from the list of people, told why, told again at the door, appealed, taken back", async () => {
  const walkIn = (name: string): Promise<DemoPage> => DemoPage.walkIn(browser, server.url, name, "quality=low&fps=8");
  const [ann, early] = await Promise.all([walkIn("Ann"), walkIn("Ben")]);
  const entry = ann.page.locator("#panel-people li", { has: ann.page.getByText("Ben", { exact: true }) });
  await entry.getByTitle("What to do about Ben").click();
  await entry.getByLabel("Why you report Ben").selectOption("vandalism");
  await entry.getByLabel("What happened").fill("takes my crates");
  await entry.getByTitle("Report Ben to moderators").click();
  await ann.page.getByText("Moderators have your report").waitFor();

  const page = await browser.context.newPage();
  await page.goto(`${server.url}/moderate.html`);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.locator("[data-case]").first().click();
  await page.getByText("takes my crates").waitFor();
  await page.locator("#decision").selectOption("mute");
  await page.getByRole("button", { name: "Decide" }).click();
  const told = /not chat here for the next 60 minutes\. Reason: destroying things\./;
  await early.page.locator(".notice", { hasText: told }).waitFor();

  await early.page.close();
  const ben = await walkIn("Ben");
  const notice = ben.page.locator(".notice", { hasText: told });
  await notice.getByLabel("Why this is wrong").fill("they were mine");
  await notice.getByRole("button", { name: "Appeal" }).click();
  await ben.page.getByText("Moderators will look at it again.").waitFor();

  await page.locator("#filter").selectOption("appealed");
  await page.locator("[data-case]").first().click();
  await page.locator("#case .appeal", { hasText: "they were mine" }).waitFor();
  await page.getByRole("button", { name: "Take back" }).click();
  await ben.page.locator(".notice", { hasText: "taken back" }).waitFor();
  const heard = ann.page.getByText("may I again?").waitFor();
  await ben.read("c.space.chat('may I again?')");
  await heard;
  expect([ann.errors, ben.errors]).toEqual([[], []]);
  await Promise.all([ann, ben].map((demo) => demo.page.close()));
}, 60_000);

it("only who may moderate gets in", async () => {
  const ticket = await devTicket(server.url, { space: "demo", name: "member", user: "member" });
  const session = (headers: Record<string, string>): Promise<Response> =>
    fetch(`${server.url}/moderation/session`, { method: "POST", headers, body: "{}" });
  expect((await session({ authorization: `Bearer ${ticket}` })).status).toBe(403);
  expect((await session({ authorization: "Bearer nonsense" })).status).toBe(401);
  expect((await session({ authorization: `Bearer ${ticket}`, origin: "https://evil.example" })).status).toBe(403);
  expect((await fetch(`${server.url}/moderation/queue`, { method: "POST", body: "{}" })).status).toBe(401);
});

it("[MH1] a moderator of one space neither reads nor erases what is kept about a person in all of them", async () => {
  const ask = await moderator();
  const nothing = { error: "There is nothing at this path." };
  expect([await ask("export", { user: "canary-kim" }), await ask("erase", { user: "canary-kim" })]).toEqual([nothing, nothing]);
});

it("P19 poses, tickets and what nobody reported are in no file, metric or log line", async () => {
  const metrics = await (await fetch(`${server.url}/metrics`)).text();
  for (const space of spaces.splice(0)) await space.leave();
  await server.stop();
  const files = readdirSync(folder).map((name) => [name, readFileSync(join(folder, name))] as const);
  expect(files.map(([name]) => name).some((name) => name.endsWith(".cases"))).toBe(true);
  const places = [...files, ["metrics", Buffer.from(metrics)] as const, ["log", Buffer.from(server.output())] as const];
  for (const canary of ["canary-muted", "canary-free", ...tickets]) {
    expect(
      places.filter(([, bytes]) => bytes.includes(canary)).map(([name]) => name),
      canary,
    ).toEqual([]);
  }
  // Users are named where a moderator needs them, and nowhere else.
  expect(places.filter(([name, bytes]) => !name.includes(".cases") && bytes.includes("canary-eve")).map(([name]) => name)).toEqual([]);
  for (const metres of [3.2415926, 1.6180339, 2.9182818]) {
    const [f64, f32, mm] = [Buffer.alloc(8), Buffer.alloc(4), String(Math.round(metres * 1000))];
    f64.writeDoubleLE(metres);
    f32.writeFloatLE(metres);
    const forms = [f64, f32, Buffer.from(String(metres))];
    // Moments and the demo's ids are long rows of digits, in which any four may be.
    const inMm = (bytes: Buffer): boolean =>
      bytes
        .toString("latin1")
        .replaceAll(/\d{9,}/g, "")
        .includes(mm);
    const hits = places.filter(([name, bytes]) => forms.some((form) => bytes.includes(form)) || (name.includes(".cases") && inMm(bytes)));
    expect(
      hits.map(([name]) => name),
      String(metres),
    ).toEqual([]);
  }
}, 30_000);
