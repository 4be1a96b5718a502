// Where Outrigger deliberately does not do what Envoy does, case by case of the differential tests.
// docs/differences.md says the same to users.

/** What both do, as `statuses ending; requests that reached the upstream`. */
export interface DeliberateDifference {
  readonly ours: string;
  readonly envoy: string;
  readonly why: string;
}

/** By title of the case. */
export const DELIBERATE_DIFFERENCES: Readonly<Record<string, DeliberateDifference>> = {};
