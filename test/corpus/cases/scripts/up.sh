#!/bin/bash
echo +bond2 > /sys/class/net/bonding_masters
echo +eno2 > /sys/class/net/bond2/bonding/slaves
brctl addif br0 bond2
