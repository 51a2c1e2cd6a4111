// A list of any length of which only the rows that are seen exist. The field above it keeps the focus and moves the
// marked row (the pattern of a combobox).

import { useVirtualizer } from "@tanstack/react-virtual";
import { useEffect, useRef, type ReactNode } from "react";
import css from "./browser.module.css";

interface Props<T> {
  id: string;
  label: string;
  items: T[];
  rowPx: number;
  active: number;
  render: (item: T, index: number) => ReactNode;
  onPick: (item: T) => void;
  onActive: (index: number) => void;
}

const OVERSCAN = 8;

export function VirtualList<T>({ id, label, items, rowPx, active, render, onPick, onActive }: Props<T>) {
  const box = useRef<HTMLDivElement>(null);
  const virtual = useVirtualizer({ count: items.length, getScrollElement: () => box.current, estimateSize: () => rowPx, overscan: OVERSCAN });
  useEffect(() => {
    if (active >= 0 && active < items.length) virtual.scrollToIndex(active);
  }, [active, items.length]);
  return (
    <div ref={box} className={css.list} role="listbox" id={id} aria-label={label} tabIndex={-1}>
      <div style={{ height: virtual.getTotalSize(), position: "relative" }} role="presentation">
        {virtual.getVirtualItems().map(({ index, start }) => {
          const item = items[index] as T;
          return (
            <div
              key={index}
              id={`${id}-${index}`}
              role="option"
              aria-selected={index === active}
              aria-setsize={items.length}
              aria-posinset={index + 1}
              className={css.option}
              style={{ height: rowPx, transform: `translateY(${start}px)` }}
              onMouseMove={() => index !== active && onActive(index)}
              onClick={() => onPick(item)}
            >
              {render(item, index)}
            </div>
          );
        })}
      </div>
    </div>
  );
}
