package dev.holdfast.wrong.agent;

/** Wrong on purpose only as far as a coordinator knows it. */
public record Above() {}
