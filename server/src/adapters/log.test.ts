import { describe, expect, it } from "vitest";
import { errorFields, logId, openLog } from "./log.ts";

function record(log: (to: ReturnType<typeof openLog>) => void): string {
  const lines: string[] = [];
  log(openLog({ level: "debug", region: "eu", build: "b1", destination: { write: (line: string) => void lines.push(line) } }));
  return lines.join("");
}

describe("log", () => {
  it("[LG1] stands in for an identifier, the same way each time", () => {
    expect(logId("demo")).toBe(logId("demo"));
    expect(logId("demo")).not.toBe(logId("demo2"));
    expect(logId("demo")).not.toContain("demo");
  });

  it("[LG2] redacts what could identify somebody, at the top and one level down", () => {
    const secret = "canary-4711";
    const fields = ["ticket", "token", "authorization", "session", "sessionId", "user", "name", "text", "label", "pose", "bytes", "body", "address"];
    for (const field of fields) {
      const text = record((log) => {
        log.info({ [field]: secret }, "top");
        log.info({ in: { [field]: secret } }, "nested");
      });
      expect(text).not.toContain(secret);
      expect(text).toContain("[redacted]");
    }
  });

  it("[LG3] logs where an error came from, not what it says, unless the words are ours", () => {
    const fields = errorFields(new Error("session canary-4711 timed out"));
    expect(JSON.stringify(fields)).not.toContain("canary");
    expect(fields.at[0]).toContain("log.test.ts");
    expect(errorFields(new Error("invariant broken: two holders")).error).toBe("invariant broken: two holders");
    expect(errorFields("text")).toEqual({ error: "string", at: [] });
  });
});
