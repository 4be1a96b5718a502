// A peer that does not acknowledge SETTINGS cannot be held to them (RFC 9113 §6.5.3).
import { Timer, type TimerTarget } from '../../base/timer-wheel.ts';
import type { ProtocolError } from '../protocol-error.ts';
import { H2_ERROR } from './errors.ts';
import type { H2Io } from './io.ts';

/** Ms that an acknowledgement may take: far more than any round trip. */
export const SETTINGS_TIMEOUT_MS = 10_000;

/** Owner of a connection's SETTINGS. */
export interface SettingsTimerOwner {
  readonly io: H2Io;
  fail(error: ProtocolError): void;
}

/** Waits for one acknowledgement: SETTINGS are sent once a connection. */
export class SettingsTimer implements TimerTarget {
  readonly #owner: SettingsTimerOwner;
  readonly #timer = new Timer(this);

  constructor(owner: SettingsTimerOwner) {
    this.#owner = owner;
  }

  start(): void {
    const { services } = this.#owner.io;
    services.timers.arm(this.#timer, services.nowMs(), SETTINGS_TIMEOUT_MS);
  }

  /** The acknowledgement came, or nobody waits any more. */
  stop(): void {
    this.#owner.io.services.timers.cancel(this.#timer);
  }

  onTimer(): void {
    this.#owner.fail(H2_ERROR.settingsTimeout);
  }
}
