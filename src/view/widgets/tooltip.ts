/** What a tooltip shows; every text of it becomes a text node. */
export interface TooltipContent {
  readonly title: string;
  /** Class of the title's swatch, e.g. `fn-3`. */
  readonly swatch?: string;
  readonly facts: readonly (readonly [name: string, value: string])[];
}

const AWAY = 14;
const EDGE = 8;

/** The page's one tooltip: follows a point, stays inside the page, never takes the pointer. */
export class Tooltip implements Disposable {
  readonly #element: HTMLElement;

  constructor(host: HTMLElement = document.body) {
    this.#element = document.createElement('div');
    this.#element.className = 'tooltip';
    this.#element.setAttribute('role', 'tooltip');
    this.#element.hidden = true;
    host.append(this.#element);
  }

  get element(): HTMLElement {
    return this.#element;
  }

  /** Shows `content` near a point of the viewport, px. */
  show(x: number, y: number, content: TooltipContent | Node): void {
    this.#element.replaceChildren(content instanceof Node ? content : render(content));
    this.#element.hidden = false;
    const { width, height } = this.#element.getBoundingClientRect();
    const { left, top } = placeTooltip(x, y, width, height, innerWidth, innerHeight);
    this.#element.style.transform = `translate(${left}px, ${top}px)`;
  }

  hide(): void {
    this.#element.hidden = true;
  }

  [Symbol.dispose](): void {
    this.#element.remove();
  }
}

let shared: Tooltip | null = null;

/** The one that every panel uses: two tooltips at a time would be one too many. */
export function sharedTooltip(): Tooltip {
  shared ??= new Tooltip();
  return shared;
}

/** Beside the point, on the side where there is room; inside the page in any case. `tall`: so much below the point is kept free too. */
export function placeTooltip(
  x: number,
  y: number,
  width: number,
  height: number,
  pageWidth: number,
  pageHeight: number,
  tall = 0,
): { left: number; top: number } {
  const right = x + AWAY + width <= pageWidth - EDGE;
  const below = y + tall + AWAY + height <= pageHeight - EDGE;
  const left = right ? x + AWAY : x - AWAY - width;
  const top = below ? y + tall + AWAY : y - AWAY - height;
  return {
    left: Math.round(Math.max(EDGE, Math.min(left, pageWidth - width - EDGE))),
    top: Math.round(Math.max(EDGE, Math.min(top, pageHeight - height - EDGE))),
  };
}

function render(content: TooltipContent): Node {
  const fragment = document.createDocumentFragment();
  const heading = element('h3', '');
  if (content.swatch !== undefined) heading.append(element('i', `swatch ${content.swatch}`));
  heading.append(element('span', '', content.title));
  const facts = element('dl', 'facts');
  for (const [name, value] of content.facts) facts.append(element('dt', '', name), element('dd', '', value));
  fragment.append(heading, facts);
  return fragment;
}

function element(tag: string, className: string, text = ''): HTMLElement {
  const made = document.createElement(tag);
  if (className !== '') made.className = className;
  if (text !== '') made.textContent = text;
  return made;
}
