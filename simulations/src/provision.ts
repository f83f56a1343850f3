/**
 * What the tests need from the system, installed where we may (root on Debian or Ubuntu), named in one sentence where we may not.
 * Nothing is skipped for want of it: without a browser `npm test` fails here, before the first test.
 */
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";

type Need = { readonly package: string; readonly present: () => boolean; readonly why: string };

const onPath = (name: string): boolean => ["/usr/bin", "/usr/local/bin", "/bin"].some((folder) => existsSync(`${folder}/${name}`));

const NEEDS: readonly Need[] = [
  { package: "chromium", present: () => onPath("chromium"), why: "browser tests" },
  { package: "postgresql", present: () => existsSync("/usr/lib/postgresql"), why: "tests of the PostgreSQL store" },
  { package: "redis-server", present: () => onPath("redis-server"), why: "the pipeline's workers" },
];

const missing = NEEDS.filter((need) => !need.present());
if (missing.length > 0) {
  const names = missing.map((need) => need.package);
  const list = missing.map((need) => `${need.package} (${need.why})`).join(", ");
  if (process.getuid?.() !== 0 || !onPath("apt-get")) {
    console.error(
      `npm test needs ${list}. Install it with your system's packages, e.g. sudo apt-get install ${names.join(" ")}, and run npm test again.`,
    );
    process.exit(1);
  }
  console.log(`npm test needs ${list}: installing with apt-get.`);
  const environment = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  for (const args of [
    ["update", "-qq"],
    ["install", "-y", "-qq", "--no-install-recommends", ...names],
  ]) {
    const done = spawnSync("apt-get", args, { env: environment, stdio: ["ignore", "ignore", "inherit"] });
    if (done.status !== 0) {
      console.error(`apt-get ${args.join(" ")} failed with ${done.status}. npm test needs ${list}.`);
      process.exit(1);
    }
  }
}
