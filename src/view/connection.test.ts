import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { StateBatch, WindowQuery } from '../model/batch.ts';
import { encode } from '../wire/encode.ts';
import { type ServerMessage, WIRE_VERSION } from '../wire/message.ts';
import { Connection, type ConnectionStatus, DEAD_AFTER, SILENT_AFTER, type Socket } from './connection.ts';

class FakeSocket implements Socket {
  binaryType = '';
  onopen: (() => void) | null = null;
  onmessage: ((event: { data: unknown }) => void) | null = null;
  onclose: (() => void) | null = null;
  onerror: (() => void) | null = null;
  readonly sent: { kind: string; [field: string]: unknown }[] = [];
  closed = false;

  send(data: string): void {
    this.sent.push(JSON.parse(data));
  }
  close(): void {
    this.closed = true;
  }
  receive(message: ServerMessage): void {
    this.raw(encode(message));
  }
  raw(bytes: Uint8Array): void {
    this.onmessage?.({ data: bytes.slice().buffer });
  }
  /** Kinds of what was sent, without pings. */
  get kinds(): string[] {
    return this.sent.map((message) => message.kind).filter((kind) => kind !== 'ping');
  }
}

const QUERY: WindowQuery = { since: 1, until: null, level: 4, functions: null, maxSlices: 10 };
const STATE: StateBatch = { seq: 1, now: 1, reset: true };

function open(reload = () => true) {
  const sockets: FakeSocket[] = [];
  const statuses: ConnectionStatus[] = [];
  const messages: ServerMessage[] = [];
  const connection = new Connection({
    url: 'ws://x/api/v1/live',
    onMessage: (message) => messages.push(message),
    onStatus: (status) => statuses.push(status),
    reload,
    connect: () => {
      const socket = new FakeSocket();
      sockets.push(socket);
      return socket;
    },
  });
  const last = () => sockets.at(-1)!;
  const greet = () => {
    last().onopen?.();
    last().receive({ kind: 'hello', version: WIRE_VERSION, server: '0.1.0' });
  };
  return { connection, sockets, statuses, messages, last, greet, state: () => statuses.at(-1)?.state };
}

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

describe('a connection', () => {
  it('says hello, then what it wants, and hands on what comes', () => {
    const page = open();
    page.connection.subscribe('resources');
    page.connection.openWindow(QUERY);
    page.connection.start();
    expect(page.last().kinds).toEqual([]);
    page.greet();
    page.last().receive({ kind: 'state', batch: STATE });
    expect(page.last().sent.slice(0, 3)).toEqual([
      { kind: 'hello', version: WIRE_VERSION },
      { kind: 'subscribe', topics: ['resources'] },
      { kind: 'window', id: 1, query: QUERY },
    ]);
    expect(page.state()).toBe('open');
    expect(page.messages.map((message) => message.kind)).toEqual(['hello', 'state']);
    page.connection.dispose();
  });

  it('asks once for a topic that several want, and lets go of it with the last', async () => {
    const page = open();
    page.connection.start();
    page.greet();
    const first = page.connection.subscribe('workers');
    const second = page.connection.subscribe('workers');
    await Promise.resolve();
    first();
    first();
    await Promise.resolve();
    expect(page.last().sent.at(-1)).toEqual({ kind: 'subscribe', topics: ['workers'] });
    second();
    await Promise.resolve();
    expect(page.last().sent.at(-1)).toEqual({ kind: 'subscribe', topics: [] });
    page.connection.dispose();
  });

  it('moves a window, and closes it once', () => {
    const page = open();
    page.connection.start();
    page.greet();
    const opened = page.connection.openWindow(QUERY);
    opened.move({ ...QUERY, since: 2 });
    expect(opened.query.since).toBe(2);
    opened[Symbol.dispose]();
    opened[Symbol.dispose]();
    opened.move(QUERY);
    expect(page.last().kinds.slice(2)).toEqual(['window', 'window', 'close-window']);
    page.connection.dispose();
  });
});

describe('a server that goes away', () => {
  it('is announced within a second of silence, and is back with the next message', () => {
    const page = open();
    page.connection.start();
    page.greet();
    vi.advanceTimersByTime(SILENT_AFTER + 200);
    expect(page.state()).toBe('silent');
    page.last().receive({ kind: 'pong', id: 1 });
    expect(page.state()).toBe('open');
    expect(page.sockets).toHaveLength(1);
    page.connection.dispose();
  });

  it('is heard of by its answers to pings alone', () => {
    const page = open();
    page.connection.start();
    page.greet();
    for (let i = 0; i < 50; i++) {
      vi.advanceTimersByTime(200);
      page.last().receive({ kind: 'pong', id: i });
    }
    expect(page.statuses.map((status) => status.state)).not.toContain('silent');
    page.connection.dispose();
  });

  it('is given up after long silence and tried again, with everything asked for again', () => {
    const page = open();
    page.connection.subscribe('running');
    page.connection.openWindow(QUERY);
    page.connection.start();
    page.greet();
    vi.advanceTimersByTime(DEAD_AFTER + 1_000);
    expect(page.sockets[0]!.closed).toBe(true);
    vi.advanceTimersByTime(5_000);
    expect(page.sockets.length).toBeGreaterThan(1);
    page.greet();
    expect(page.last().kinds).toEqual(['hello', 'subscribe', 'window']);
    expect(page.state()).toBe('open');
    expect(page.statuses.at(-1)!.attempts).toBe(0);
    page.connection.dispose();
  });

  it('is retried for ever, at longer and longer intervals', () => {
    const page = open();
    page.connection.start();
    page.greet();
    const waits: number[] = [];
    for (let i = 0; i < 12; i++) {
      page.last().onclose?.();
      expect(page.state()).toBe('lost');
      const before = page.sockets.length;
      let waited = 0;
      for (; page.sockets.length === before; waited += 50) vi.advanceTimersByTime(50);
      waits.push(waited);
    }
    expect(waits[0]!).toBeLessThan(500);
    expect(waits.at(-1)!).toBeGreaterThan(1_500);
    expect(Math.max(...waits)).toBeLessThan(3_300);
    page.connection.dispose();
  });

  it('is not tried again once the page is done', () => {
    const page = open();
    page.connection.start();
    page.greet();
    page.connection.dispose();
    vi.advanceTimersByTime(60_000);
    expect(page.sockets).toHaveLength(1);
    expect(page.sockets[0]!.closed).toBe(true);
  });

  it('loses what cannot be read, and comes back', () => {
    const page = open();
    page.connection.start();
    page.greet();
    page.last().raw(Uint8Array.of(1, 2, 3));
    expect(page.state()).toBe('lost');
    vi.advanceTimersByTime(1_000);
    expect(page.sockets).toHaveLength(2);
    page.connection.dispose();
  });
});

describe('a server of another version', () => {
  const other = { kind: 'hello', version: WIRE_VERSION + 1, server: '9.0.0' } as const;

  it('makes the page reload', () => {
    const reload = vi.fn(() => true);
    const page = open(reload);
    page.connection.start();
    page.last().onopen?.();
    page.last().receive(other);
    expect(reload).toHaveBeenCalledOnce();
    vi.advanceTimersByTime(60_000);
    expect(page.sockets).toHaveLength(1);
  });

  it('is said where reloading did not help', () => {
    const page = open(() => false);
    page.connection.start();
    page.last().onopen?.();
    const bytes = encode(other);
    bytes[2] = WIRE_VERSION + 1;
    page.last().raw(bytes);
    expect(page.state()).toBe('version');
  });
});
