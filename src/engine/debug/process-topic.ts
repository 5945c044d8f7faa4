import { readdirSync, readlinkSync } from 'node:fs';
import { constants, type PerformanceEntry, PerformanceObserver, performance } from 'node:perf_hooks';
import { getHeapSpaceStatistics, getHeapStatistics } from 'node:v8';
import type { DebugTable } from '../../model/debug.ts';
import { epochNow } from '../clock.ts';
import { Ring } from './ring.ts';
import { fact, type Topic, type TopicParts, table } from './topic.ts';
import { WhileLooked } from './while-looked.ts';

const SAMPLE_MS = 1000;
const SAMPLES = 120;
/** Reading what an open file is costs a system call each. */
const MOST_FILES = 2000;

interface Sample {
  readonly time: number;
  /** Percent of one core. */
  readonly cpu: number;
  readonly rss: number;
  readonly heap: number;
}

const GC_KINDS: Readonly<Record<number, string>> = {
  [constants.NODE_PERFORMANCE_GC_MINOR]: 'minor (young objects)',
  [constants.NODE_PERFORMANCE_GC_MAJOR]: 'major (all objects)',
  [constants.NODE_PERFORMANCE_GC_INCREMENTAL]: 'incremental step',
  [constants.NODE_PERFORMANCE_GC_WEAKCB]: 'weak callbacks',
};

/** The process itself: CPU, memory, garbage collection, open files. */
export class ProcessTopic implements Topic {
  readonly topic = 'process';
  readonly title = 'Process';
  readonly #looked = new WhileLooked(() => this.#measure());
  #samples = new Ring<Sample>(SAMPLES);
  #collections = new Map<string, { count: number; seconds: number; longest: number }>();

  read(): TopicParts {
    this.#looked.look();
    const usage = process.resourceUsage();
    const memory = process.memoryUsage();
    const samples = this.#samples.oldestFirst();
    const times = samples.map(({ time }) => time);
    const files = openFiles();
    return {
      facts: [
        fact('process id', 'text', String(process.pid)),
        fact('Node', 'text', process.version),
        fact('running for', 'seconds', process.uptime()),
        fact('CPU, last second', 'percent', samples.at(-1)?.cpu),
        fact('CPU time of programs', 'seconds', usage.userCPUTime / 1e6),
        fact('CPU time of the system', 'seconds', usage.systemCPUTime / 1e6),
        fact('memory', 'bytes', memory.rss),
        fact('largest memory so far', 'bytes', usage.maxRSS * 1024),
        fact('heap in use', 'bytes', memory.heapUsed),
        fact('heap reserved', 'bytes', memory.heapTotal),
        fact('heap limit', 'bytes', getHeapStatistics().heap_size_limit),
        fact('outside of the heap', 'bytes', memory.external),
        fact('array buffers', 'bytes', memory.arrayBuffers),
        fact('open files', 'count', files?.total),
      ],
      tables: [
        this.#garbageCollection(),
        table(
          'Heap spaces',
          [
            ['space', 'text'],
            ['in use', 'bytes'],
            ['reserved', 'bytes'],
          ],
          getHeapSpaceStatistics().map((space) => [space.space_name, space.space_used_size, space.space_size]),
        ),
        counted('Keeping the process busy', 'what', process.getActiveResourcesInfo()),
        ...(files === null ? [] : [counted('Open files', 'kind', files.kinds)]),
      ],
      series: [
        { title: 'CPU', unit: 'percent', times, lines: [{ name: 'CPU', values: samples.map(({ cpu }) => cpu) }] },
        {
          title: 'Memory',
          unit: 'bytes',
          times,
          lines: [
            { name: 'process', values: samples.map(({ rss }) => rss) },
            { name: 'heap in use', values: samples.map(({ heap }) => heap) },
          ],
        },
      ],
    };
  }

  #garbageCollection(): DebugTable {
    const rows = [...this.#collections].map(([kind, { count, seconds, longest }]) => [kind, count, seconds, longest]);
    return table(
      'Garbage collection of the main thread since someone looks',
      [
        ['kind', 'text'],
        ['times', 'count'],
        ['together', 'seconds'],
        ['longest', 'seconds'],
      ],
      rows,
    );
  }

  #measure(): () => void {
    this.#samples = new Ring(SAMPLES);
    this.#collections = new Map();
    const observer = new PerformanceObserver((list) => {
      for (const entry of list.getEntries()) {
        const { duration, detail } = entry as PerformanceEntry & { readonly detail?: { readonly kind?: number } };
        const kind = GC_KINDS[detail?.kind ?? -1] ?? 'other';
        const seen = this.#collections.get(kind) ?? { count: 0, seconds: 0, longest: 0 };
        seen.count++;
        seen.seconds += duration / 1000;
        seen.longest = Math.max(seen.longest, duration / 1000);
        this.#collections.set(kind, seen);
      }
    });
    observer.observe({ entryTypes: ['gc'] });
    let cpu = process.cpuUsage();
    let at = performance.now();
    const timer = setInterval(() => {
      const used = process.cpuUsage(cpu);
      const now = performance.now();
      const { rss, heapUsed } = process.memoryUsage();
      const share = (used.user + used.system) / 1000 / Math.max(now - at, 1);
      this.#samples.push({ time: epochNow(), cpu: share * 100, rss, heap: heapUsed });
      cpu = process.cpuUsage();
      at = now;
    }, SAMPLE_MS).unref();
    return () => {
      clearInterval(timer);
      observer.disconnect();
    };
  }
}

/** How often each text is there, most frequent first. */
function counted(title: string, name: string, texts: readonly string[]): DebugTable {
  const counts = new Map<string, number>();
  for (const text of texts) counts.set(text, (counts.get(text) ?? 0) + 1);
  const rows = [...counts].sort(([, a], [, b]) => b - a);
  return table(
    title,
    [
      [name, 'text'],
      ['count', 'count'],
    ],
    rows,
  );
}

/** Null where the system does not say. */
function openFiles(): { total: number; kinds: string[] } | null {
  let names: string[];
  try {
    names = readdirSync('/proc/self/fd');
  } catch {
    return null;
  }
  return { total: names.length, kinds: names.slice(0, MOST_FILES).map(fileKind) };
}

function fileKind(fd: string): string {
  try {
    const target = readlinkSync(`/proc/self/fd/${fd}`);
    return /^(\w+):\[/.exec(target)?.[1] ?? (target.startsWith('/') ? `file ${target}` : target);
  } catch {
    return 'closed meanwhile';
  }
}
