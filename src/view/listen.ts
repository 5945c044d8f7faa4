type Handlers = { readonly [K in keyof HTMLElementEventMap]?: (event: HTMLElementEventMap[K]) => void };

/** Listens to several events of an element; a `wheel` may be kept from scrolling the page. Returns an undo. */
export function listenTo(element: HTMLElement, handlers: Handlers): () => void {
  const listening = Object.entries(handlers) as [string, (event: Event) => void][];
  for (const [name, handler] of listening) {
    element.addEventListener(name, handler, name === 'wheel' ? { passive: false } : undefined);
  }
  return () => {
    for (const [name, handler] of listening) element.removeEventListener(name, handler);
  };
}
