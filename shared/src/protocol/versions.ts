/** The version of the wire contract. Bumped on any change a peer can see; golden vectors are only ever added to. */
export const PROTOCOL_VERSION = 1;
/** The oldest client this server still speaks to. */
export const PROTOCOL_OLDEST = 1;
