export * from "./bot.ts";
export * from "./crowd.ts";
