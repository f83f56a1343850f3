/** What PostgreSQL or the way to it threw, as one of the contract's codes (https://www.postgresql.org/docs/current/errcodes-appendix.html). */
import { FORMAT_REFUSED } from "./postgres-schema.ts";
import type { StoreError } from "./scene-store.ts";

const UNREACHABLE = new Set(["ECONNREFUSED", "ECONNRESET", "ENOENT", "ENOTFOUND", "EAI_AGAIN", "ETIMEDOUT", "EPIPE", "EHOSTUNREACH"]);

export function postgresError(error: unknown): StoreError {
  const code = typeof error === "object" && error !== null && "code" in error ? String(error.code) : "";
  const text = error instanceof Error ? error.message : String(error);
  if (code === FORMAT_REFUSED) return { code: "corrupt", sentence: text };
  if (code === "53100") return { code: "full", sentence: "The database's disk is full; edits cannot be saved until there is space." };
  if (code === "28P01" || code === "28000")
    return { code: "io", sentence: "The PostgreSQL server refuses this user or password; see COPRESENCE_STORE." };
  if (code === "3D000")
    return { code: "io", sentence: "The PostgreSQL server has no such database; create it (createdb), or name another in COPRESENCE_STORE." };
  if (code === "42501")
    return { code: "io", sentence: "The PostgreSQL user may not make or use the schema copresence; grant it CREATE on the database." };
  if (code === "XX001" || code === "XX002") return { code: "corrupt", sentence: `The database is damaged (${text}); restore it from a backup.` };
  if (UNREACHABLE.has(code)) return { code: "io", sentence: `The PostgreSQL server cannot be reached (${code}).` };
  return { code: "io", sentence: `The PostgreSQL store cannot write (${text}).` };
}
