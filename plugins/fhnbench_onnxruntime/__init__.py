"""The runtime ``ort``: ONNX Runtime evaluates the network on the CPU."""
