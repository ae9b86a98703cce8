"""ECS as processes: follows the services of the emulated AWS and runs their tasks on this machine."""
