"""The runtime ``trt``: TensorRT evaluates the network on an NVIDIA GPU."""
