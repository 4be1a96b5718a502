// When connections of something that drains end: at once, or more of them the longer it drains.
import { type Random, randomBelow } from '../base/random.ts';
import type { ListenerConfig } from '../model/listener.ts';

/** `--drain-time-s` and `--drain-strategy`. */
export interface DrainSettings {
  readonly timeMs: number;
  readonly strategy: 'gradual' | 'immediate';
}

/** What a sequence is made with. */
export interface DrainParts {
  readonly settings: DrainSettings;
  readonly clock: { nowMs(): number };
  readonly random: Random;
}

const MS_PER_SECOND = 1000;

/** One drain: of the process, or of a listener. It begins once and has no end. */
export class DrainSequence {
  readonly #parts: DrainParts;
  #startedMs: number | null = null;

  constructor(parts: DrainParts) {
    this.#parts = parts;
  }

  /** Harmless when it has begun. */
  begin(): void {
    this.#startedMs ??= this.#parts.clock.nowMs();
  }

  /**
   * Envoy's DrainManager.drainClose, asked for each response: gradually the share of those that end
   * their connection grows with the seconds begun, to all of them at the drain time.
   */
  shouldClose(): boolean {
    const startedMs = this.#startedMs;
    if (startedMs === null) return false;
    const { settings, clock, random } = this.#parts;
    if (settings.strategy === 'immediate') return true;
    const leftMs = settings.timeMs - (clock.nowMs() - startedMs);
    if (leftMs <= 0) return true;
    const timeS = settings.timeMs / MS_PER_SECOND;
    return timeS - Math.floor(leftMs / MS_PER_SECOND) > randomBelow(random, timeS);
  }
}

/** Drains of the process, which hold for all its listeners, or those that face inwards. */
export class ServerDrains {
  readonly parts: DrainParts;
  readonly #all: DrainSequence;
  readonly #inbound: DrainSequence;

  constructor(parts: DrainParts) {
    this.parts = parts;
    this.#all = new DrainSequence(parts);
    this.#inbound = new DrainSequence(parts);
  }

  begin(inboundOnly: boolean): void {
    (inboundOnly ? this.#inbound : this.#all).begin();
  }

  /** For the next response of a connection of that listener. */
  shouldClose({ trafficDirection }: ListenerConfig): boolean {
    if (this.#all.shouldClose()) return true;
    return trafficDirection === 'inbound' && this.#inbound.shouldClose();
  }
}
