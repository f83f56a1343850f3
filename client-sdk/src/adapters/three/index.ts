/** @copresence/client/three: everyone's head and hands in a three.js scene. */
export { attachThree, type Attached, type AttachOptions, type XrRenderer } from "./attach.ts";
export { type Avatar, DefaultAvatar } from "./avatar.ts";
export { NameTag } from "./name-tag.ts";
export { JointedHand } from "./jointed-hand.ts";
