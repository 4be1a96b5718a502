// Which 1xx responses of an upstream are told, and how many are put up with; alike in every codec.

/** 1xx heads before a response; each costs the client as much as a response. */
export const MAX_INFORMATIONAL = 32;

/** True for the informational responses that are passed on: 100 and 102 to 104, as in Envoy. */
export function isRelayedInformational(status: number): boolean {
  return status === 100 || (status >= 102 && status <= 104);
}
