"""The outside world in one small process: refund providers and a mail catcher, for demo and tests alone."""

from services.simulator.handle import Ports, Simulator, spawn, start

__all__ = ["Ports", "Simulator", "spawn", "start"]
