/**
 * The feature of a sink that hands its targets over to whoever runs the machine next: sealed, it closes and unlocks them, and
 * only then says SEALED. Offered in HELLO, agreed on in WELCOME.
 */
export const HAND_OVER = "hand-over";

/**
 * The feature of data frames without a checksum of their payload, for a wire that checks for itself: the field is 0. Headers,
 * messages and digests keep theirs. Offered in HELLO, agreed on in WELCOME.
 */
export const UNCHECKED_DATA = "unchecked-data";
