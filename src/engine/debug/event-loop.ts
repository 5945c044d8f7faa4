import { type EventLoopUtilization, type IntervalHistogram, monitorEventLoopDelay, performance } from 'node:perf_hooks';
import { epochNow } from '../clock.ts';
import { Ring } from './ring.ts';
import { fact, type Topic, type TopicParts } from './topic.ts';
import { WhileLooked } from './while-looked.ts';

const RESOLUTION_MS = 10;
const SAMPLE_MS = 1000;
const SAMPLES = 120;

interface Sample {
  readonly time: number;
  readonly mean: number;
  readonly p99: number;
  readonly max: number;
  readonly utilization: number;
}

/** How late the event loop answers and how busy it is. Measured only while someone looks. */
export class EventLoopTopic implements Topic {
  readonly topic = 'event-loop';
  readonly title = 'Event loop';
  readonly #looked = new WhileLooked(() => this.#measure());
  #samples = new Ring<Sample>(SAMPLES);

  read(): TopicParts {
    this.#looked.look();
    const samples = this.#samples.oldestFirst();
    const last = samples.at(-1);
    const times = samples.map(({ time }) => time);
    return {
      facts: [
        fact('delay, mean of the last second', 'seconds', last?.mean),
        fact('delay, 99 of 100 are below', 'seconds', last?.p99),
        fact('longest delay of the last second', 'seconds', last?.max),
        fact('longest delay since someone looks', 'seconds', Math.max(...samples.map(({ max }) => max))),
        fact('busy', 'share', last?.utilization),
      ],
      series: [
        {
          title: 'Delay of the event loop',
          unit: 'seconds',
          times,
          lines: [
            { name: 'mean', values: samples.map(({ mean }) => mean) },
            { name: '99 of 100', values: samples.map(({ p99 }) => p99) },
            { name: 'longest', values: samples.map(({ max }) => max) },
          ],
        },
        {
          title: 'Busy share of the event loop',
          unit: 'share',
          times,
          lines: [{ name: 'busy', values: samples.map(({ utilization }) => utilization) }],
        },
      ],
      notes: samples.length > 0 ? [] : ['It is measured while someone looks: the first second has just begun.'],
    };
  }

  #measure(): () => void {
    const loop: IntervalHistogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
    let before: EventLoopUtilization = performance.eventLoopUtilization();
    loop.enable();
    this.#samples = new Ring(SAMPLES);
    const timer = setInterval(() => {
      const { utilization } = performance.eventLoopUtilization(before);
      before = performance.eventLoopUtilization();
      this.#samples.push({
        time: epochNow(),
        mean: delay(loop.mean),
        p99: delay(loop.percentile(99)),
        max: delay(loop.max),
        utilization,
      });
      loop.reset();
    }, SAMPLE_MS).unref();
    return () => {
      clearInterval(timer);
      loop.disable();
    };
  }
}

/** Seconds beyond the interval that was asked for. @param nanoseconds NaN when nothing was measured */
function delay(nanoseconds: number): number {
  return Math.max(nanoseconds / 1e9 - RESOLUTION_MS / 1000, 0) || 0;
}
