// The time between two points: chosen by Evenkeel, or given.

import { useEffect, useState } from "react";
import css from "./explore.module.css";
import { readStep, stepText } from "./state";

export function StepChoice({ step, auto, onChange }: { step: number | undefined; auto: number; onChange: (step: number | undefined) => void }) {
  const [text, setText] = useState(step === undefined ? "" : stepText(step));
  useEffect(() => setText(step === undefined ? "" : stepText(step)), [step]);
  const wrong = text.trim() !== "" && readStep(text) === undefined;
  const send = () => {
    if (!wrong && readStep(text) !== step) onChange(readStep(text));
  };
  return (
    <label className={css.choice}>
      <span className="visually-hidden">Step</span>
      <input
        value={text}
        placeholder={`step: ${stepText(auto)}`}
        aria-invalid={wrong}
        title={wrong ? "A duration such as 15s or 1m30s" : "Time between two points; empty: chosen by the width of the chart"}
        size={8}
        onChange={(event) => setText(event.target.value)}
        onBlur={send}
        onKeyDown={(event) => event.key === "Enter" && send()}
        autoComplete="off"
      />
    </label>
  );
}
