interfaces {
    ethernet eth0 {
        address dhcp
    }
}
load-balancing {
    wan {
        interface-health eth0 {
            nexthop dhcp
            test 10 {
                target 192.0.2.1
            }
        }
    }
}
