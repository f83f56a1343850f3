export { runStorm, type StormResult } from "../convergence-storm.ts";
export { Campaign, type CampaignOptions, type CampaignResult } from "./campaign.ts";
