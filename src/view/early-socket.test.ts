import { afterEach, expect, it } from 'vitest';
import { stringifyClientMessage } from '../wire/client-message.ts';
import { WIRE_VERSION } from '../wire/message.ts';
import type { Socket } from './connection.ts';
import { connectEarly, EarlySocket } from './early-socket.ts';

const URL = 'ws://x/api/v1/live';
const HELLO = stringifyClientMessage({ kind: 'hello', version: WIRE_VERSION });

/** A socket whose other end is the test. */
function line() {
  const sent: string[] = [];
  const inner: Socket & { closed: boolean } = {
    binaryType: '',
    onopen: null,
    onmessage: null,
    onclose: null,
    onerror: null,
    closed: false,
    send: (data) => sent.push(data),
    close: () => {
      inner.closed = true;
    },
  };
  return { sent, inner, early: new EarlySocket(URL, () => inner) };
}

/** What somebody who takes the socket over hears. */
function listen(socket: Socket): string[] {
  const heard: string[] = [];
  socket.onopen = () => heard.push('open');
  socket.onmessage = ({ data }) => heard.push(String(data));
  socket.onclose = () => heard.push('close');
  return heard;
}

afterEach(() => {
  globalThis.taskglassSocket = undefined;
});

it('says hello by itself, once, and keeps what it hears until it is taken over', async () => {
  const { sent, inner, early } = line();
  globalThis.taskglassSocket = early;
  inner.onopen?.();
  inner.onmessage?.({ data: 'one' });
  inner.onmessage?.({ data: 'two' });
  expect(sent).toEqual([HELLO]);

  const socket = connectEarly(URL);
  const heard = listen(socket);
  expect(heard).toEqual([]);
  await Promise.resolve();
  expect(heard).toEqual(['open', 'one', 'two']);
  inner.onmessage?.({ data: 'three' });
  expect(heard.at(-1)).toBe('three');
  socket.send(HELLO);
  socket.send('ping');
  expect(sent).toEqual([HELLO, 'ping']);
  inner.onclose?.();
  expect(heard.at(-1)).toBe('close');
});

it('opens after it was taken over like any other', async () => {
  const { sent, inner, early } = line();
  globalThis.taskglassSocket = early;
  const heard = listen(connectEarly(URL));
  await Promise.resolve();
  expect(heard).toEqual([]);
  inner.onopen?.();
  expect(heard).toEqual(['open']);
  expect(sent).toEqual([HELLO]);
});

it('says that it was lost meanwhile', async () => {
  const { inner, early } = line();
  globalThis.taskglassSocket = early;
  inner.onopen?.();
  inner.onclose?.();
  const heard = listen(connectEarly(URL));
  await Promise.resolve();
  expect(heard).toEqual(['close']);
});
