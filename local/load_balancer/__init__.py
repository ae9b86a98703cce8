"""The Application Load Balancer as nginx: its configuration is made from what is deployed in the emulated AWS."""
