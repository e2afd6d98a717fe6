// The one EventSource of a page, and the answer to the question whether what it shows is alive.
//
//   connecting ── nothing received, or the turn has not moved yet since this connection was made
//   live       ── the lane loop's turn moved within `staleAfterMs`
//   stale      ── it moved once, and then not for `staleAfterMs`: the daemon is gone, or its loop stands still
//
// Beats alone prove nothing: only a turn number that moves does. Ages are counted on by the page's own monotonic clock.

import type { Beat } from './wire';

export const STALE_AFTER_MS = 2_000;
const REOPEN_AFTER_MS = 1_000;
const TICK_MS = 200;

export type Liveness = 'connecting' | 'live' | 'stale';

export class Stream<F> {
  /** The last whole view. */
  frame: F | null = $state.raw(null);
  /** This page's monotonic clock, moved by a timer so that ages count on. */
  tick = $state(performance.now());
  #beat: Beat | null = $state.raw(null);
  #beatAt = $state(0);
  #frameAt = $state(0);
  #turnMovedAt: number | null = $state(null);
  #lastTurn: number | null = null;
  #source: EventSource | null = null;

  constructor(
    private readonly path: string,
    private readonly event: string,
  ) {}

  open(): void {
    setInterval(() => (this.tick = performance.now()), TICK_MS);
    this.#connect();
  }

  get liveness(): Liveness {
    if (this.#turnMovedAt === null || this.frame === null) return 'connecting';
    return this.tick - this.#turnMovedAt > STALE_AFTER_MS ? 'stale' : 'live';
  }

  /** How long the lane loop has been seen standing still. */
  get stillForMs(): number {
    return this.#turnMovedAt === null ? 0 : Math.max(0, this.tick - this.#turnMovedAt);
  }

  /** An age that the view gave, counted on until now. */
  aged(ageMs: number): number {
    return ageMs + Math.max(0, this.tick - this.#frameAt);
  }

  /** UTC now, by the daemon's clock counted on; null before the first beat. */
  get utcMs(): number | null {
    return this.#beat === null ? null : this.#beat.utc_ms + Math.max(0, this.tick - this.#beatAt);
  }

  get clockTrusted(): boolean {
    return this.#beat?.clock_trusted ?? false;
  }

  #connect(): void {
    this.#source?.close();
    const source = new EventSource(this.path);
    this.#source = source;
    this.#lastTurn = null;
    source.addEventListener(this.event, (message) => {
      const frame = parse<F & Partial<Beat>>(message);
      if (frame === null) return;
      this.frame = frame;
      this.#frameAt = this.tick = performance.now();
      if (isBeat(frame)) this.#take(frame);
    });
    source.addEventListener('beat', (message) => {
      const beat = parse<Partial<Beat>>(message);
      if (beat !== null && isBeat(beat)) this.#take(beat);
    });
    source.addEventListener('error', () => {
      // The browser reconnects by itself after a cut, but not after an answer such as 503.
      if (source.readyState === EventSource.CLOSED) setTimeout(() => this.#connect(), REOPEN_AFTER_MS);
      this.#lastTurn = null;
    });
  }

  #take(beat: Beat): void {
    const now = performance.now();
    if (this.#lastTurn !== null && beat.turn !== this.#lastTurn) this.#turnMovedAt = this.tick = now;
    this.#lastTurn = beat.turn;
    this.#beat = beat;
    this.#beatAt = now;
  }
}

function parse<T>(message: MessageEvent): T | null {
  try {
    const value: unknown = JSON.parse(String(message.data));
    return typeof value === 'object' && value !== null ? (value as T) : null;
  } catch {
    return null;
  }
}

function isBeat(value: Partial<Beat>): value is Beat {
  return typeof value.turn === 'number' && typeof value.now_ms === 'number' && typeof value.utc_ms === 'number';
}
