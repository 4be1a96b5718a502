// Where this process stands in its line: what it took over, who follows it, and what it still has to
// say to those.
import type { Logger } from '../../base/log.ts';
import { atMost } from '../at-most.ts';
import type { ServerOptions } from '../options.ts';
import type { Primary } from '../primary.ts';
import type { StartedProxy } from '../start-proxy.ts';
import { SYSTEM_CLOCK } from '../system-clock.ts';
import { Ancestor, type Inheritance } from './ancestor.ts';
import { Lineage } from './lineage.ts';
import type { Launch, Successor } from './messages.ts';
import { type Estate, Upgrade, type UpgradeOutcome } from './upgrade.ts';
import { launchOf, type OwnCommand, readWantedProgram } from './upgrade-request.ts';

/** A proxy that serves. */
export type ServingProxy = Extract<StartedProxy, { readonly ok: true }>;

/** What a succession works with. */
export interface SuccessionParts {
  readonly options: ServerOptions;
  readonly own: OwnCommand;
  readonly log: Logger;
  /** This process has nothing left to do: it ends, unless others of the line are its children. */
  readonly onRetired: () => void;
}

/** What a line says of itself to the process that started it. */
export interface LineHandler {
  /** The process that serves has ended, with this status: so does this one. */
  onLineEnded(status: number): void;
  /** Of those that served before it, none is left but this one. */
  onAllRetired(): void;
  /** The process that started this one is gone. */
  onOrphaned(): void;
}

/** Questions to the admin interface are answered within this time. */
const ADMIN_GRACE_MS = 1_000;
/** So long the admin interface waits for counts of the process before this one. */
const COUNTS_GRACE_MS = 5_000;
/** How often a process that retires tells what it counts. */
const COUNTING_INTERVAL_MS = 1_000;

/** One per process. */
export class Succession {
  readonly #parts: SuccessionParts;
  /** null: this process is the first of its line. */
  readonly #ancestor: Ancestor | null;
  readonly #lineage = new Lineage();
  readonly #upgrade: Upgrade;
  #inheritance: Inheritance | null = null;
  #serving: ServingProxy | null = null;
  readonly #startedMs = SYSTEM_CLOCK.wallMs();

  constructor(parts: SuccessionParts) {
    this.#parts = parts;
    this.#ancestor = Ancestor.ofThisProcess();
    this.#upgrade = new Upgrade({
      launch: (launch) => this.#launch(launch),
      estate: () => this.#estate(),
      tellCounts: (successor) => {
        const { primary } = this.#serving as ServingProxy;
        void this.#tellCounts(primary, successor, false);
      },
      onHandedOver: (successor) => void this.#retire(successor),
      log: parts.log,
    });
  }

  /** Hears the rest of the line from now on. */
  listen(handler: LineHandler): void {
    this.#lineage.onEnded = (status) => handler.onLineEnded(status);
    this.#lineage.onAllRetired = () => handler.onAllRetired();
    if (this.#ancestor !== null) this.#ancestor.onLost = () => handler.onOrphaned();
  }

  /** True once a newer process serves. */
  get hasHandedOver(): boolean {
    return this.#upgrade.isHandedOver;
  }

  /** True when newer processes are children of this one. */
  get hasChildren(): boolean {
    return this.#lineage.hasSuccessor;
  }

  /** True while children of this one that served before end what they have begun. */
  get areChildrenRetiring(): boolean {
    return this.#lineage.isRetiring;
  }

  /** What this process takes over; null: it follows nobody. Or why it cannot. */
  async inherit(): Promise<Inheritance | string | null> {
    if (this.#ancestor === null) return null;
    const inherited = await this.#ancestor.inherit();
    if (typeof inherited !== 'string') this.#inheritance = inherited;
    return inherited;
  }

  /** Counters go on from what the process before this one has counted; resolves when it is known. */
  async catchUp({ collector }: Primary): Promise<void> {
    const ancestor = this.#ancestor;
    if (ancestor === null) return;
    const heard = new Promise<void>((resolve) => {
      ancestor.onCounted = ({ epoch, snapshot, isFinal }) => {
        collector.hearElder(epoch, snapshot, isFinal);
        resolve();
      };
    });
    await ancestor.tell({ kind: 'want-counts' });
    await atMost(heard, COUNTS_GRACE_MS);
  }

  /** The proxy serves: the one before it may go. */
  onServing(serving: ServingProxy): void {
    this.#serving = serving;
    serving.operators.onChange = (change) => this.#upgrade.tellChange(change);
    const ancestor = this.#ancestor;
    if (ancestor === null) return;
    ancestor.followChanges((change) => serving.operators.take(change));
    void ancestor.tell({ kind: 'serving' });
  }

  /** It never will; resolves when the one before it knows. */
  async onFailed(reason: string): Promise<void> {
    await this.#ancestor?.tell({ kind: 'failed', reason });
  }

  /** Starts a newer process, as the admin interface asks for it. */
  async upgrade(question: {
    readonly requestPath: string;
    readonly deadlineMs: number;
  }): Promise<UpgradeOutcome> {
    const { requestPath, deadlineMs } = question;
    if (this.#serving === null) return { ok: false, text: 'this process does not serve yet' };
    const wanted =
      requestPath === '' ? { program: null, args: null } : readWantedProgram(requestPath);
    if (typeof wanted === 'string') return { ok: false, text: wanted };
    const { own, options } = this.#parts;
    return this.#upgrade.run(launchOf(own, wanted, options.restartEpoch + 1), deadlineMs);
  }

  /** Passes a signal on to newer processes; `toAll`: also to those that are ending. */
  passOn(signal: NodeJS.Signals, toAll: boolean): void {
    this.#lineage.signal(signal, toAll);
  }

  /** This process ends: nobody is to follow it any more. */
  onEnding(): void {
    this.#lineage.forgetHeir();
  }

  #launch(launch: Launch): Successor {
    return this.#ancestor?.launch(launch) ?? this.#lineage.launch(launch);
  }

  #estate(): Estate {
    const { primary, admin, operators } = this.#serving as ServingProxy;
    const socket = admin?.socket ?? null;
    return {
      epoch: this.#parts.options.restartEpoch,
      firstStartedMs: this.#inheritance?.firstStartedMs ?? this.#startedMs,
      ticketSecret: primary.source.ticketSecret,
      changed: operators.all(),
      sockets: primary.workforce.sockets.all(),
      admin:
        socket === null
          ? null
          : { address: (admin as NonNullable<typeof admin>).wanted.text, socket },
    };
  }

  /** Ends what this process has begun, and tells its successor what it counted. */
  async #retire(successor: Successor): Promise<void> {
    const { primary, admin, closeAdmin } = this.#serving as ServingProxy;
    // Whoever asks for readiness meanwhile must not hear of what is only this process's end.
    await atMost(admin?.retire() ?? Promise.resolve(), ADMIN_GRACE_MS);
    const counting = setInterval(
      () => void this.#tellCounts(primary, successor, false),
      COUNTING_INTERVAL_MS,
    );
    void this.#tellCounts(primary, successor, false);
    await primary.retire(this.#parts.options.drain.parentShutdownMs);
    clearInterval(counting);
    await this.#tellCounts(primary, successor, true);
    primary.close();
    await closeAdmin();
    this.#serving = null;
    this.#parts.log.log('info', 'upgrade: nothing is left here');
    this.#parts.onRetired();
  }

  async #tellCounts(primary: Primary, successor: Successor, isFinal: boolean): Promise<void> {
    const snapshot = await primary.ownStats();
    const epoch = this.#parts.options.restartEpoch;
    await successor.send({ kind: 'counted', epoch, snapshot, isFinal });
  }
}
