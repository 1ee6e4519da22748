/**
 * The feature of a sink that hands its targets over to whoever runs the machine next: sealed, it closes and unlocks them, and
 * only then says SEALED. Offered in HELLO, agreed on in WELCOME.
 */
export const HAND_OVER = "hand-over";
