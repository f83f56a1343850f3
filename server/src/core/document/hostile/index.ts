export { Campaign, type CampaignOptions, type CampaignResult } from "./campaign.ts";
